"""The state machine that turns an upload into a version; `convert` is a job."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_stepfunctions import Choice, Condition, CustomState, JsonPath
from aws_cdk.aws_stepfunctions_tasks import LambdaInvoke
from constructs import Construct

from infra.constructs.batch_state import BatchState
from infra.constructs.job_state_machine import JobStateMachine
from infra.constructs.service_function import ServiceFunction
from infra.settings import CONVERTERS, Stage

RESULTS = {
    "identify": "$.identified",
    "order_conversion": "$.ordered",
    "collect_conversion": "$.converted",
    "verify": "$.verified",
    "register": "$.registered",
}
WHOLE = Duration.hours(6)  # all steps at their longest, and the longest waits before identify and verify


class ImportStateMachine(JobStateMachine):
    """identify, a conversion where one is needed, verify, register; any error goes to fail_import.

    It may invoke these functions and start these jobs only. What is kept as it is goes from identify to register. An
    execution whose input holds what was found before starts at verify: a version is verified again.
    """

    def __init__(self, scope: Construct, *, stage: Stage, key: IKey, functions: Mapping[str, ServiceFunction]) -> None:
        super().__init__(scope, "import", stage=stage, key=key, functions=functions)
        states: dict[str, LambdaInvoke | CustomState] = {
            name: self.state(self, name, RESULTS[name]) for name in RESULTS
        }
        fail_import = self.state(self, "fail_import", JsonPath.DISCARD, last=True)
        states["convert"] = converting = BatchState(
            self,
            "convert",
            stage=stage,
            seconds=stage.conversions.waited_seconds,
            definition={"JobDefinition.$": f"States.Format('{stage.jobs}-convert-{{}}', $.identified.environment)"},
        )
        self.catch([*states.values()], fail_import, "import_failed")
        states["verify"].next(states["register"])
        states["order_conversion"].next(converting)
        converting.next(states["collect_conversion"])
        states["collect_conversion"].next(states["verify"])
        states["identify"].next(self._converted_or_not(states))
        identified = Condition.is_present("$.identified")
        starts_at = Choice(self, "starts_at").when(identified, states["verify"]).otherwise(states["identify"])
        role = self.define(starts_at, whole=WHOLE, every="import")
        converting.allow(role, [f"{stage.jobs}-convert-{one}" for one in CONVERTERS])

    def _converted_or_not(self, states: Mapping[str, LambdaInvoke | CustomState]) -> Choice:
        stored = Condition.boolean_equals("$.identified.stored", value=True)
        elsewhere = Condition.is_string("$.identified.environment")
        choice = Choice(self, "needs_conversion")
        choice.when(stored, states["register"]).when(elsewhere, states["order_conversion"]).otherwise(states["verify"])
        return choice
