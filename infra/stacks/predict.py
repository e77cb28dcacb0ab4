"""The data plane: the function that answers every prediction protocol on CPU."""

from __future__ import annotations

from aws_cdk import Stack
from constructs import Construct

from infra.constructs.python_layer import PinnedLayer, SourceLayer
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage
from infra.stacks.storage import StorageStack


class PredictStack(Stack):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, storage: StorageStack) -> None:
        super().__init__(scope, construct_id)
        self.predict = ServiceFunction(
            self,
            "predict",
            stage=stage,
            layers=[SourceLayer(self), PinnedLayer(self, "deps"), PinnedLayer(self, "ml")],
            memory_mb=stage.predict_memory_mb,
            seconds=29,
            environment={
                "TABLE_NAME": storage.table.name,
                "ARTIFACTS_BUCKET": storage.artifacts.name,
                "PREDICTION_SECONDS": str(stage.prediction_seconds),
            },
            scratch=True,
        )
        storage.table.allow(self.predict, "GetItem", "Query")
        storage.artifacts.allow(self.predict, "GetObject")
