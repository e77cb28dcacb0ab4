"""From an object in the uploads bucket to a version: the event, the state machine and its functions."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk.aws_events import EventPattern, Match, Rule
from aws_cdk.aws_events_targets import LambdaFunction
from constructs import Construct

from infra.constructs.import_state_machine import ImportStateMachine
from infra.constructs.python_layer import PinnedLayer, SourceLayer
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage
from infra.stacks.storage import StorageStack


class ImportsStack(Stack):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, storage: StorageStack) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._storage = storage
        self._light = [SourceLayer(self), PinnedLayer(self, "deps")]
        self._heavy = [*self._light, PinnedLayer(self, "ml")]
        steps = (self._identify(), self._convert(), self._verify(), self._register(), self._fail_import())
        self.machine = ImportStateMachine(self, stage=stage, functions={step.node.id: step for step in steps})
        self._start_on_upload(self._start_import())

    def _start_import(self) -> ServiceFunction:
        storage = self._storage
        function = ServiceFunction(
            self,
            "start_import",
            stage=self._stage,
            layers=self._light,
            memory_mb=256,
            seconds=60,
            environment={
                "TABLE_NAME": storage.table.name,
                "UPLOADS_BUCKET": storage.uploads.name,
                "IMPORT_STATE_MACHINE_ARN": self.machine.arn,
            },
        )
        storage.table.allow_transactions(function)
        storage.uploads.allow(function, "GetObject", "GetObjectVersion")
        storage.uploads.allow_list(function)
        self.machine.allow_start(function)
        return function

    def _identify(self) -> ServiceFunction:
        storage = self._storage
        function = ServiceFunction(
            self,
            "identify",
            stage=self._stage,
            layers=self._heavy,
            memory_mb=6144,
            seconds=900,
            environment={
                "TABLE_NAME": storage.table.name,
                "UPLOADS_BUCKET": storage.uploads.name,
                "ARTIFACTS_BUCKET": storage.artifacts.name,
            },
            scratch=True,
        )
        storage.table.allow(function, "GetItem", "UpdateItem")
        storage.uploads.allow(function, "GetObject", "GetObjectVersion")
        storage.artifacts.allow(function, "GetObject", "PutObject")
        return function

    def _convert(self) -> ServiceFunction:
        function = self._table_function("convert")
        self._storage.table.allow(function, "GetItem", "UpdateItem")
        return function

    def _verify(self) -> ServiceFunction:
        storage = self._storage
        function = ServiceFunction(
            self,
            "verify",
            stage=self._stage,
            layers=self._heavy,
            memory_mb=8192,
            seconds=900,
            environment={
                "TABLE_NAME": storage.table.name,
                "ARTIFACTS_BUCKET": storage.artifacts.name,
                "MODEL_MEMORY_MB": str(self._stage.model_memory_mb),
                "PREDICTION_SECONDS": str(self._stage.prediction_seconds),
            },
            scratch=True,
        )
        storage.table.allow(function, "GetItem", "UpdateItem")
        storage.artifacts.allow(function, "GetObject", "PutObject")
        return function

    def _register(self) -> ServiceFunction:
        function = self._table_function("register")
        self._storage.table.allow_transactions(function)
        return function

    def _fail_import(self) -> ServiceFunction:
        function = self._table_function("fail_import")
        self._storage.table.allow_transactions(function)
        return function

    def _table_function(self, name: str) -> ServiceFunction:
        """A state that only reads and writes the table."""
        environment = {"TABLE_NAME": self._storage.table.name}
        return ServiceFunction(
            self, name, stage=self._stage, layers=self._light, memory_mb=256, seconds=30, environment=environment
        )

    def _start_on_upload(self, start_import: ServiceFunction) -> None:
        uploads = self._storage.uploads
        Rule(
            self,
            "uploaded",
            event_pattern=EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [uploads.name]}, "object": {"key": Match.prefix(f"{uploads.prefix}/")}},
            ),
            targets=[LambdaFunction(start_import.lambda_function)],
        )
