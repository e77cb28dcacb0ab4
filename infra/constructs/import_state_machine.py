"""The state machine that turns an upload into a version. A state, its function and its folder share one name; `convert`
is a job.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_logs import LogGroup
from aws_cdk.aws_stepfunctions import (
    Choice,
    Condition,
    CustomState,
    DefinitionBody,
    Fail,
    JitterType,
    JsonPath,
    LogLevel,
    LogOptions,
    StateMachine,
    StateMachineType,
    Timeout,
)
from aws_cdk.aws_stepfunctions_tasks import LambdaInvoke
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.constructs.conversion_state import ConversionState
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage

# More imports at once than the account or `reserved_imports` has room for: they wait, some 30 minutes a step.
THROTTLED = "Lambda.TooManyRequestsException"
# Faults of the service, and conflicts that pass: of our functions' own errors (StepRefused) no other is retried.
RETRIED = ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException", "StepBusy"]
RESULTS = {
    "identify": "$.identified",
    "order_conversion": "$.ordered",
    "collect_conversion": "$.converted",
    "verify": "$.verified",
    "register": "$.registered",
    "fail_import": JsonPath.DISCARD,
}
# A state outlives its function's own timeout, so that the function's error is the one that is caught.
GRACE_SECONDS = 10
WHOLE = Duration.hours(6)  # all steps at their longest, and the longest waits before identify and verify


class ImportStateMachine(Construct):
    """identify, a conversion where one is needed, verify, register; any error goes to fail_import.

    It may invoke these functions and start these jobs only. What is kept as it is goes from identify to register. An
    execution whose input holds what was found before starts at verify: a version is verified again.
    """

    def __init__(self, scope: Construct, *, stage: Stage, key: IKey, functions: Mapping[str, ServiceFunction]) -> None:
        super().__init__(scope, "import")
        states: dict[str, LambdaInvoke | CustomState] = {name: self._state(name, functions[name]) for name in RESULTS}
        fail_import = states.pop("fail_import")
        converting = ConversionState(self, stage=stage)
        states["convert"] = converting
        for state in states.values():
            state.add_catch(fail_import, errors=["States.ALL"], result_path="$.error")
        fail_import.next(Fail(self, "import_failed", error_path="$.error.Error", cause_path="$.error.Cause"))
        states["verify"].next(states["register"])
        states["order_conversion"].next(converting)
        converting.next(states["collect_conversion"])
        states["collect_conversion"].next(states["verify"])
        states["identify"].next(self._converted_or_not(states))
        identified = Condition.is_present("$.identified")
        starts_at = Choice(self, "starts_at").when(identified, states["verify"]).otherwise(states["identify"])
        self.name = f"{stage.prefix}-import"
        self._machine = StateMachine(
            self,
            "machine",
            state_machine_name=self.name,
            state_machine_type=StateMachineType.STANDARD,
            definition_body=DefinitionBody.from_chainable(starts_at),
            timeout=WHOLE,
            logs=LogOptions(destination=self._log(stage, key), level=LogLevel.ERROR, include_execution_data=False),
        )
        converting.allow(self._machine.role)
        self._acknowledge()
        self.arn = self._machine.state_machine_arn
        self._executions = Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self.name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def allow_start(self, function: ServiceFunction) -> None:
        """Lets the function start executions."""
        function.allow("states", ["StartExecution"], self.arn)

    def allow_control(self, function: ServiceFunction) -> None:
        """Lets the function start executions, see whether one has ended, and stop one."""
        self.allow_start(function)
        function.allow("states", ["DescribeExecution", "StopExecution"], self._executions)
        executions = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{self.name}:*"
        acknowledge(function, f"IAM5[Resource::{executions}]", "executions of this one state machine, of any name")

    def _converted_or_not(self, states: Mapping[str, LambdaInvoke | CustomState]) -> Choice:
        stored = Condition.boolean_equals("$.identified.stored", value=True)
        elsewhere = Condition.is_string("$.identified.environment")
        choice = Choice(self, "needs_conversion")
        choice.when(stored, states["register"]).when(elsewhere, states["order_conversion"]).otherwise(states["verify"])
        return choice

    def _acknowledge(self) -> None:
        acknowledge(
            self._machine, "SF1", "errors alone are logged: every step of every import stands in its job's record"
        )
        acknowledge(
            self._machine,
            "SF2",
            "tracing can be allowed on all resources only, and a job's record has the steps' times",
        )
        acknowledge(
            self._machine.role,
            "IAM5[Resource::*]",
            "CloudWatch's log deliveries and Batch's DescribeJobs know no resource",
        )

    def _log(self, stage: Stage, key: IKey) -> LogGroup:
        return LogGroup(
            self,
            "log",
            log_group_name=f"/aws/vendedlogs/{stage.prefix}/import",
            retention=stage.log_retention,
            encryption_key=key,
            removal_policy=stage.removal_policy,
        )

    def _state(self, name: str, function: ServiceFunction) -> LambdaInvoke:
        state = LambdaInvoke(
            self,
            name,
            lambda_function=function.live,
            payload_response_only=True,
            result_path=RESULTS[name],
            retry_on_service_exceptions=False,
            task_timeout=Timeout.duration(Duration.seconds(function.seconds + GRACE_SECONDS)),
        )
        state.add_retry(
            errors=[THROTTLED],
            interval=Duration.seconds(2),
            backoff_rate=2,
            max_attempts=60,
            max_delay=Duration.seconds(60),
            jitter_strategy=JitterType.FULL,
        )
        state.add_retry(
            # Nothing comes after fail_import: it tries again whatever happened.
            errors=["States.TaskFailed"] if name == "fail_import" else RETRIED,
            interval=Duration.seconds(2),
            backoff_rate=2,
            max_attempts=4,
            max_delay=Duration.seconds(30),
            jitter_strategy=JitterType.FULL,
        )
        return state
