"""From a compression that was asked for to variants of the version, and a report."""

from __future__ import annotations

from constructs import Construct

from infra.constructs.buckets import COMPRESSIONS, EXAMPLES
from infra.constructs.compression_state_machine import CompressionStateMachine
from infra.constructs.python_layer import PinnedLayer
from infra.constructs.queues import WorkQueue
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage
from infra.stacks.steps import StepsStack
from infra.stacks.storage import StorageStack


class CompressionStack(StepsStack):
    """Its states hand a workspace on, a prefix in the uploads bucket, and read and write nothing else there."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, storage: StorageStack) -> None:
        super().__init__(scope, construct_id, stage=stage, storage=storage)
        reserved = stage.reserved_compressions
        steps = (
            self._prepare(),
            self._step("plan", COMPRESS_LARGE_MB=str(stage.compress_large_mb)),
            self._step("compress", reserved=reserved),
            self._step("evaluate", reserved=reserved),
            self._step("repair"),
            self._step("choose"),
            self._order_compression(),
            self._publish(),
            self._fail_compression(),
        )
        self.machine = CompressionStateMachine(
            self, stage=stage, key=storage.key, functions={step.node.id: step for step in steps}
        )
        self.examples = WorkQueue(self, "examples", stage=stage, key=storage.key, reader=self._start_compression())
        self.examples.take_created("examples_rule", storage.uploads, EXAMPLES)

    def _start_compression(self) -> ServiceFunction:
        function = self.light_function(
            "start_compression",
            UPLOADS_BUCKET=self._storage.uploads.name,
            COMPRESSION_STATE_MACHINE_ARN=self.machine.arn,
            DEFAULT_LIMITS=self._stage.default_limits,
        )
        self._storage.table.allow_transactions(function)
        self.machine.allow_start(function)
        return function

    def _prepare(self) -> ServiceFunction:
        """It alone reads examples, by the layer `rows`, and the version's own files."""
        storage, stage = self._storage, self._stage
        environment = {"UPLOADS_BUCKET": storage.uploads.name, "ARTIFACTS_BUCKET": storage.artifacts.name}
        rows = PinnedLayer(self, "rows")
        function = self.heavy_function("prepare", stage.compress_memory_mb, environment, more_layers=(rows,))
        storage.table.allow(function, "GetItem", "PutItem", "UpdateItem")
        storage.artifacts.allow(function, "GetObject")
        storage.uploads.allow(function, "GetObjectVersion", prefix=EXAMPLES)
        storage.uploads.allow_list(function, "ListBucketVersions", prefix=EXAMPLES)
        self._allow_workspace(function)
        return function

    def _step(self, name: str, *, reserved: int | None = None, **environment: str) -> ServiceFunction:
        environment = {"UPLOADS_BUCKET": self._storage.uploads.name, **environment}
        function = self.heavy_function(name, self._stage.compress_memory_mb, environment, reserved=reserved)
        self._storage.table.allow(function, "GetItem", "PutItem", "UpdateItem")
        self._allow_workspace(function)
        return function

    def _order_compression(self) -> ServiceFunction:
        """Its rights are also what the URLs of an order can do."""
        stage = self._stage
        function = self.light_function(
            "order_compression",
            refuses=True,
            UPLOADS_BUCKET=self._storage.uploads.name,
            COMPRESSORS="1" if stage.cpu_jobs else "",
            COMPRESSION_LIMITS=stage.compressions.limits,
        )
        self._storage.table.allow(function, "GetItem", "PutItem", "UpdateItem")
        self._allow_workspace(function)
        return function

    def _publish(self) -> ServiceFunction:
        storage, stage = self._storage, self._stage
        environment = {
            "UPLOADS_BUCKET": storage.uploads.name,
            "ARTIFACTS_BUCKET": storage.artifacts.name,
            "MODEL_MEMORY_MB": str(stage.model_memory_mb),
            "PREDICTION_SECONDS": str(stage.prediction_seconds),
            "DEFAULT_LIMITS": stage.default_limits,
        }
        function = self.heavy_function("publish", stage.verify_memory_mb, environment)
        storage.table.allow_transactions(function)
        storage.artifacts.allow(function, "GetObject", "PutObject")
        self._allow_workspace(function)
        return function

    def _fail_compression(self) -> ServiceFunction:
        """It reads why the job of a large model gave up, too."""
        uploads = self._storage.uploads
        function = self.light_function("fail_compression", UPLOADS_BUCKET=uploads.name)
        self._storage.table.allow_transactions(function)
        uploads.allow(function, "GetObject", prefix=COMPRESSIONS)
        return function

    def _allow_workspace(self, function: ServiceFunction) -> None:
        self._storage.uploads.allow(function, "GetObject", "PutObject", prefix=COMPRESSIONS)
        self._storage.uploads.allow_list(function, "ListBucket", prefix=COMPRESSIONS)
