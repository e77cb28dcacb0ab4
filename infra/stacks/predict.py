"""The data plane on CPU: one function in three sizes. The small one answers every call, or hands it to a larger one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from aws_cdk import Stack
from constructs import Construct

from infra.constructs.python_layer import PinnedLayer, SourceLayer
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage
from infra.stacks.storage import StorageStack


class PredictStack(Stack):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, storage: StorageStack) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._storage = storage
        self._layers = [SourceLayer(self), PinnedLayer(self, "deps"), PinnedLayer(self, "ml")]
        larger = {tier: self._tier(tier) for tier in ("medium", "large")}
        self.predict = self._tier("small", larger)

    def _tier(self, tier: str, larger: Mapping[str, ServiceFunction] | None = None) -> ServiceFunction:
        storage, memory = self._storage, asdict(self._stage.tiers)
        forward = {name: function.live.function_arn for name, function in (larger or {}).items()}
        function = ServiceFunction(
            self,
            f"predict-{tier}",
            folder="predict",
            stage=self._stage,
            key=storage.key,
            layers=self._layers,
            memory_mb=memory[tier],
            seconds=29,
            environment={
                "TABLE_NAME": storage.table.name,
                "IDEMPOTENCY_TABLE": storage.idempotency.name,
                "ARTIFACTS_BUCKET": storage.artifacts.name,
                "PREDICTION_SECONDS": str(self._stage.prediction_seconds),
                "TIER": tier,
                "TIERS": json.dumps(memory),
                "FORWARD": json.dumps(forward),
            },
            # SnapStart and 10 GB under /tmp exclude each other.
            snapshot=tier == "small",
            scratch=tier != "small",
        )
        storage.table.allow(function, "GetItem", "Query")
        storage.idempotency.allow(function, "UpdateItem")
        storage.artifacts.allow(function, "GetObject")
        for arn in forward.values():
            function.allow("lambda", ["InvokeFunction"], arn)
        return function
