"""Predictions as jobs: a body arrives, a function answers it, and another one tells of its end."""

from __future__ import annotations

import json
from dataclasses import asdict

from aws_cdk import Duration, Stack
from constructs import Construct

from infra.constructs.buckets import PREDICTIONS
from infra.constructs.python_layer import PinnedLayer, SourceLayer
from infra.constructs.queues import PrivateQueue
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage
from infra.stacks.storage import StorageStack

BODIES, ANSWERS = f"{PREDICTIONS}/in", f"{PREDICTIONS}/out"
SECONDS = 900
PREDICTION_SECONDS = 600
#: Longer than an attempt counts as running (usecases.run_prediction): whoever has the message then may run it again.
COMES_AGAIN_SECONDS = 960
RECEIVES = 5
#: Eight tries end a webhook without an error; what comes here more often is a fault of ours.
WEBHOOK_RECEIVES = 12
WEBHOOK_SECONDS = 60


class PredictionsStack(Stack):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, storage: StorageStack) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._storage = storage
        self._light = [SourceLayer(self), PinnedLayer(self, "deps")]
        self.webhooks = self._queue("webhooks", seconds=2 * WEBHOOK_SECONDS, receives=WEBHOOK_RECEIVES)
        self.webhooks.read_by(self._deliver_webhook(), "ChangeMessageVisibility", batch=1)
        self._asked = self._queue("predictions", seconds=COMES_AGAIN_SECONDS, receives=RECEIVES)
        self._asked.read_by(self._run_prediction(), batch=1)
        self._asked.take_created("asked_rule", storage.uploads, BODIES)

    def _queue(self, name: str, *, seconds: int, receives: int) -> PrivateQueue:
        stage, key = self._stage, self._storage.key
        return PrivateQueue(
            self,
            name,
            stage=stage,
            key=key,
            visible_after=Duration.seconds(seconds),
            dead_letters=PrivateQueue(self, f"{name}_dead_letters", stage=stage, key=key),
            receives=receives,
        )

    def _run_prediction(self) -> ServiceFunction:
        storage, memory = self._storage, asdict(self._stage.tiers)
        function = ServiceFunction(
            self,
            "run_prediction",
            stage=self._stage,
            key=storage.key,
            layers=[*self._light, PinnedLayer(self, "ml")],
            memory_mb=memory["large"],
            seconds=SECONDS,
            environment={
                "TABLE_NAME": storage.table.name,
                "UPLOADS_BUCKET": storage.uploads.name,
                "ARTIFACTS_BUCKET": storage.artifacts.name,
                "PREDICTION_SECONDS": str(PREDICTION_SECONDS),
                "TIER": "large",
                "TIERS": json.dumps(memory),
                "FORWARD": json.dumps({}),
                "WEBHOOKS_QUEUE_URL": self.webhooks.queue_url,
            },
            scratch=True,
        )
        storage.table.allow_transactions(function)
        storage.uploads.allow(function, "GetObjectVersion", prefix=BODIES)
        storage.uploads.allow(function, "PutObject", prefix=ANSWERS)
        storage.artifacts.allow(function, "GetObject")
        self.webhooks.allow_send(function)
        return function

    def _deliver_webhook(self) -> ServiceFunction:
        function = ServiceFunction(
            self,
            "deliver_webhook",
            stage=self._stage,
            key=self._storage.key,
            layers=self._light,
            memory_mb=256,
            seconds=WEBHOOK_SECONDS,
            environment={"TABLE_NAME": self._storage.table.name, "WEBHOOKS_QUEUE_URL": self.webhooks.queue_url},
        )
        self._storage.table.allow(function, "GetItem", "PutItem")
        return function
