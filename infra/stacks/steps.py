"""A stack of functions that do the steps of jobs: what is light, and what opens what a tenant sent."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk.aws_lambda import ILayerVersion
from constructs import Construct

from infra.constructs.python_layer import PinnedLayer, SourceLayer
from infra.constructs.queues import PrivateQueue
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage
from infra.stacks.storage import StorageStack


class StepsStack(Stack):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, storage: StorageStack) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._storage = storage
        self._light: list[ILayerVersion] = [SourceLayer(self), PinnedLayer(self, "deps")]
        self._heavy: list[ILayerVersion] = [*self._light, PinnedLayer(self, "ml")]

    def light_function(
        self,
        name: str,
        *,
        memory_mb: int = 256,
        seconds: int = 30,
        refuses: bool = False,
        scratch: bool = False,
        dead_letters: PrivateQueue | None = None,
        **environment: str,
    ) -> ServiceFunction:
        """One that opens no model. With `dead_letters` it is called asynchronously."""
        function = ServiceFunction(
            self,
            name,
            stage=self._stage,
            key=self._storage.key,
            layers=self._light,
            memory_mb=memory_mb,
            seconds=seconds,
            environment={"TABLE_NAME": self._storage.table.name, **environment},
            scratch=scratch,
            refuses=refuses,
            dead_letters=dead_letters,
        )
        if dead_letters:
            dead_letters.allow_send(function)
        return function

    def heavy_function(
        self,
        name: str,
        memory_mb: int,
        environment: Mapping[str, str],
        *,
        reserved: int | None = None,
        more_layers: tuple[ILayerVersion, ...] = (),
    ) -> ServiceFunction:
        """A state that opens what a tenant sent, in a sandbox."""
        return ServiceFunction(
            self,
            name,
            stage=self._stage,
            key=self._storage.key,
            layers=[*self._heavy, *more_layers],
            memory_mb=memory_mb,
            seconds=900,
            environment={"TABLE_NAME": self._storage.table.name, **environment},
            scratch=True,
            reserved=reserved,
            refuses=True,
        )
