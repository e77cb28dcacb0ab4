"""The way in: the HTTP API, who may pass, and the control plane."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.constructs.buckets import EXAMPLES
from infra.constructs.http_front import HttpFront
from infra.constructs.python_layer import PinnedLayer, SourceLayer
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage
from infra.stacks.compression import CompressionStack
from infra.stacks.imports import ImportsStack
from infra.stacks.predict import PredictStack
from infra.stacks.predictions import ANSWERS, BODIES, PredictionsStack
from infra.stacks.storage import StorageStack


class ApiStack(Stack):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        storage: StorageStack,
        imports: ImportsStack,
        compression: CompressionStack,
        predict: PredictStack,
        predictions: PredictionsStack,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._storage = storage
        self._light = [SourceLayer(self), PinnedLayer(self, "deps")]
        self.front = HttpFront(
            self,
            stage=stage,
            key=storage.key,
            functions={"api": self._api(imports, compression, predictions), "predict": predict.predict},
            authorize=self._authorize(),
        )
        CfnOutput(self, "url", value=self.front.url)

    def _api(
        self, imports: ImportsStack, compression: CompressionStack, predictions: PredictionsStack
    ) -> ServiceFunction:
        storage = self._storage
        function = ServiceFunction(
            self,
            "api",
            stage=self._stage,
            key=storage.key,
            layers=self._light,
            memory_mb=1024,
            seconds=29,
            environment={
                "TABLE_NAME": storage.table.name,
                "IDEMPOTENCY_TABLE": storage.idempotency.name,
                "UPLOADS_BUCKET": storage.uploads.name,
                "ARTIFACTS_BUCKET": storage.artifacts.name,
                "IMPORT_STATE_MACHINE_ARN": imports.machine.arn,
                "COMPRESSION_STATE_MACHINE_ARN": compression.machine.arn,
                "WEBHOOKS_QUEUE_URL": predictions.webhooks.queue_url,
                "DEFAULT_LIMITS": self._stage.default_limits,
            },
        )
        storage.table.allow_transactions(function, "BatchGetItem", "DeleteItem")
        storage.idempotency.allow(function, "GetItem", "PutItem", "UpdateItem", "DeleteItem")
        storage.uploads.allow(function, "PutObject", "AbortMultipartUpload", "ListMultipartUploadParts")
        storage.uploads.allow(function, "GetObject", "GetObjectVersion", "PutObject", prefix=BODIES)
        storage.uploads.allow(function, "GetObjectVersion", prefix=ANSWERS)
        storage.uploads.allow(function, "PutObject", prefix=EXAMPLES)
        storage.uploads.allow_list(function, "ListBucketVersions", prefix=EXAMPLES)
        storage.artifacts.allow(function, "GetObject", "PutObject")
        predictions.webhooks.allow_send(function)
        for machine in (imports.machine, compression.machine):
            machine.allow_control(function)
        return function

    def _authorize(self) -> ServiceFunction:
        storage = self._storage
        function = ServiceFunction(
            self,
            "authorize",
            stage=self._stage,
            key=storage.key,
            layers=self._light,
            memory_mb=256,
            seconds=5,
            environment={"TABLE_NAME": storage.table.name, "DEFAULT_LIMITS": self._stage.default_limits},
        )
        storage.table.allow(function, "GetItem")
        return function
