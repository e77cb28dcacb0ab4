"""From an object in the uploads bucket to a version, and what keeps house after it."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk.aws_events import EventPattern, Rule, Schedule
from aws_cdk.aws_events_targets import LambdaFunction
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.constructs.buckets import CONVERSIONS, PROGRESS
from infra.constructs.import_state_machine import ImportStateMachine
from infra.constructs.job_state_machine import machine_arn
from infra.constructs.queues import PrivateQueue, WorkQueue
from infra.constructs.service_function import ServiceFunction
from infra.settings import CONVERTERS, Stage
from infra.stacks.predictions import BODIES, PredictionsStack
from infra.stacks.steps import StepsStack
from infra.stacks.storage import StorageStack

TRIES_AGAIN = 2


class ImportsStack(StepsStack):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        storage: StorageStack,
        predictions: PredictionsStack,
    ) -> None:
        super().__init__(scope, construct_id, stage=stage, storage=storage)
        self.dead_events = PrivateQueue(self, "dead_events", stage=stage, key=storage.key)
        acknowledge(self.dead_events, "SQS3", "it is one: of Lambda's asynchronous calls and of two rules' targets")
        steps = (
            self._identify(),
            self._order_conversion(),
            self._collect_conversion(),
            self._verify(),
            self._register(),
            self._fail_import(),
        )
        self.machine = ImportStateMachine(
            self, stage=stage, key=storage.key, functions={step.node.id: step for step in steps}
        )
        self.uploaded = WorkQueue(self, "uploaded", stage=stage, key=storage.key, reader=self._start_import())
        self.uploaded.take_created("uploaded_rule", storage.uploads, storage.uploads.prefix)
        self._note_progress()
        self._settle_what_ended(self._settle_import())
        self._sweep_every_hour(self._sweep(predictions))

    def _start_import(self) -> ServiceFunction:
        storage = self._storage
        function = self.light_function(
            "start_import",
            seconds=30,
            UPLOADS_BUCKET=storage.uploads.name,
            IMPORT_STATE_MACHINE_ARN=self.machine.arn,
            DEFAULT_LIMITS=self._stage.default_limits,
        )
        storage.table.allow_transactions(function)
        storage.uploads.allow(function, "GetObject", "GetObjectVersion")
        storage.uploads.allow_list(function, "ListBucket", "ListBucketVersions")
        self.machine.allow_start(function)
        return function

    def _identify(self) -> ServiceFunction:
        storage = self._storage
        environment = {"UPLOADS_BUCKET": storage.uploads.name, "ARTIFACTS_BUCKET": storage.artifacts.name}
        function = self.heavy_function(
            "identify", self._stage.identify_memory_mb, environment, reserved=self._stage.reserved_imports
        )
        storage.table.allow(function, "GetItem", "PutItem", "UpdateItem")
        storage.uploads.allow(function, "GetObject", "GetObjectVersion")
        storage.artifacts.allow(function, "GetObject", "PutObject")
        return function

    def _order_conversion(self) -> ServiceFunction:
        """Its rights are also what the URLs of an order can do."""
        storage, stage = self._storage, self._stage
        function = self.light_function(
            "order_conversion",
            refuses=True,
            UPLOADS_BUCKET=storage.uploads.name,
            ARTIFACTS_BUCKET=storage.artifacts.name,
            CONVERTERS=" ".join(CONVERTERS) if stage.cpu_jobs else "",
            CONVERSION_LIMITS=stage.conversions.limits,
        )
        storage.table.allow(function, "GetItem", "PutItem", "UpdateItem")
        storage.artifacts.allow(function, "GetObject")
        storage.uploads.allow(function, "GetObject", "PutObject", prefix=CONVERSIONS)
        return function

    def _collect_conversion(self) -> ServiceFunction:
        storage = self._storage
        environment = {"UPLOADS_BUCKET": storage.uploads.name, "ARTIFACTS_BUCKET": storage.artifacts.name}
        function = self.light_function(
            "collect_conversion", memory_mb=1024, seconds=600, refuses=True, scratch=True, **environment
        )
        storage.table.allow(function, "GetItem", "PutItem", "UpdateItem")
        storage.artifacts.allow(function, "GetObject", "PutObject")
        storage.uploads.allow(function, "GetObject", prefix=CONVERSIONS)
        return function

    def _verify(self) -> ServiceFunction:
        storage = self._storage
        environment = {
            "ARTIFACTS_BUCKET": storage.artifacts.name,
            "MODEL_MEMORY_MB": str(self._stage.model_memory_mb),
            "PREDICTION_SECONDS": str(self._stage.prediction_seconds),
        }
        function = self.heavy_function(
            "verify", self._stage.verify_memory_mb, environment, reserved=self._stage.reserved_imports
        )
        storage.table.allow(function, "GetItem", "PutItem", "UpdateItem")
        storage.artifacts.allow(function, "GetObject", "PutObject")
        return function

    def _register(self) -> ServiceFunction:
        function = self.light_function("register", refuses=True)
        self._storage.table.allow_transactions(function)
        return function

    def _fail_import(self) -> ServiceFunction:
        function = self.light_function("fail_import")
        self._storage.table.allow_transactions(function)
        return function

    def _note_progress(self) -> None:
        """What a job puts to say how far it is; the function looks at the whole key."""
        function = self.light_function("note_progress", dead_letters=self.dead_events)
        self._storage.table.allow(function, "GetItem", "PutItem", "UpdateItem")
        put = {
            "bucket": {"name": [self._storage.uploads.name]},
            "object": {"key": [{"wildcard": one} for one in PROGRESS]},
        }
        pattern = EventPattern(source=["aws.s3"], detail_type=["Object Created"], detail=put)
        self._call(function, "progress", hours=1, event_pattern=pattern)

    def _settle_import(self) -> ServiceFunction:
        function = self.light_function("settle_import", dead_letters=self.dead_events)
        self._storage.table.allow_transactions(function)
        return function

    def _sweep(self, predictions: PredictionsStack) -> ServiceFunction:
        storage = self._storage
        function = self.light_function(
            "sweep",
            memory_mb=512,
            seconds=900,
            dead_letters=self.dead_events,
            UPLOADS_BUCKET=storage.uploads.name,
            ARTIFACTS_BUCKET=storage.artifacts.name,
            WEBHOOKS_QUEUE_URL=predictions.webhooks.queue_url,
        )
        storage.table.allow_transactions(function, "DeleteItem")
        storage.artifacts.allow_list(function, "ListBucket")
        storage.artifacts.allow(function, "DeleteObject")
        storage.uploads.allow(function, "AbortMultipartUpload", "ListMultipartUploadParts")
        storage.uploads.allow(function, "GetObject", prefix=BODIES)
        predictions.webhooks.allow_send(function)
        return function

    def _settle_what_ended(self, settle_import: ServiceFunction) -> None:
        """Executions of compressions too: their jobs are settled alike."""
        machines = [self.machine.arn, machine_arn(self, self._stage, "compression")]
        ended = {"stateMachineArn": machines, "status": ["ABORTED", "FAILED", "TIMED_OUT"]}
        pattern = EventPattern(
            source=["aws.states"], detail_type=["Step Functions Execution Status Change"], detail=ended
        )
        self._call(settle_import, "import_ended", hours=6, event_pattern=pattern)

    def _sweep_every_hour(self, sweep: ServiceFunction) -> None:
        self._call(sweep, "hourly", hours=1, schedule=Schedule.rate(Duration.hours(1)))

    def _call(self, function: ServiceFunction, name: str, *, hours: int, **when: Any) -> None:
        """Both ways to fail end in `dead_events`: the rule can't reach Lambda, or the function fails each try."""
        age = Duration.hours(hours)
        target = LambdaFunction(
            function.live, dead_letter_queue=self.dead_events, max_event_age=age, retry_attempts=TRIES_AGAIN
        )
        Rule(self, name, targets=[target], **when)
        function.live.configure_async_invoke(max_event_age=age, retry_attempts=TRIES_AGAIN)
