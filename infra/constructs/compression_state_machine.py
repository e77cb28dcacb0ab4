"""The state machine that makes variants of a version; `compress_large` is a job."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_stepfunctions import Choice, Condition, IChainable, JsonPath, Map
from constructs import Construct

from infra.constructs.batch_state import BatchState
from infra.constructs.job_state_machine import JobStateMachine
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage

EVENT = ("tenant", "model", "version", "job_id", "attempt")
RESULTS = {
    "prepare": "$.prepared",
    "plan": "$.planned",
    "choose": "$.chosen",
    "order_compression": "$.ordered",
    "publish": "$.published",
}
OF_AN_ITEM = ("compress", "evaluate", "repair")
WHOLE = Duration.hours(24)  # two dozen candidates at their longest, each after some waiting


class CompressionStateMachine(JobStateMachine):
    """prepare, plan, then each candidate by itself, the repairs, choose, publish; any error goes to fail_compression.

    A large model's candidates are all one job's. What an item of a Map answers is dropped: it lies in the workspace.
    """

    def __init__(self, scope: Construct, *, stage: Stage, key: IKey, functions: Mapping[str, ServiceFunction]) -> None:
        super().__init__(scope, "compression", stage=stage, key=key, functions=functions)
        states = {name: self.state(self, name, path) for name, path in RESULTS.items()}
        items = {name: self.state(self, name, JsonPath.DISCARD) for name in OF_AN_ITEM}
        fail_compression = self.state(self, "fail_compression", JsonPath.DISCARD, last=True)
        candidates = self._each(
            "candidates", "names", {"name": "$$.Map.Item.Value"}, items["compress"].next(items["evaluate"]), stage
        )
        repairs = self._each(
            "repairs", "repairs", {"planned": "$.planned", "place": "$$.Map.Item.Value"}, items["repair"], stage
        )
        compress_large = BatchState(
            self,
            "compress_large",
            stage=stage,
            seconds=stage.compressions.waited_seconds,
            definition={"JobDefinition": f"{stage.jobs}-compress"},
        )
        self.catch([*states.values(), candidates, repairs, compress_large], fail_compression, "compression_failed")
        candidates.next(repairs).next(states["choose"]).next(states["publish"])
        states["order_compression"].next(compress_large).next(states["publish"])
        large = Condition.boolean_equals("$.planned.large", value=True)
        is_large = Choice(self, "is_large").when(large, states["order_compression"]).otherwise(candidates)
        role = self.define(states["prepare"].next(states["plan"]).next(is_large), whole=WHOLE, every="compression")
        compress_large.allow(role, [f"{stage.jobs}-compress"])

    def _each(self, name: str, planned: str, more: Mapping[str, str], states: IChainable, stage: Stage) -> Map:
        """These states for each of what `plan` answered, given the job, its workspace and `more`."""
        selected = {one: f"$.{one}" for one in (*EVENT, "prepared")} | dict(more)
        each = Map(
            self,
            name,
            items_path=f"$.planned.{planned}",
            item_selector={f"{one}.$": path for one, path in selected.items()},
            max_concurrency=stage.compress_at_once,
            result_path=JsonPath.DISCARD,
        )
        each.item_processor(states)
        return each
