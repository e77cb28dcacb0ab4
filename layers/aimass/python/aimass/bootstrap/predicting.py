"""The data plane."""

from __future__ import annotations

import json
import os
import random
import shutil
from dataclasses import asdict
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

from aimass.bootstrap import resources, stores
from aimass.domain.placement import Placement, tiers_of

if TYPE_CHECKING:
    from aimass.adapters.aws.invoke import LambdaTiers
    from aimass.adapters.onnxruntime.session import OnnxRuntime
    from aimass.inference.sessions import Sessions
    from aimass.usecases.predict import Predictor

_MIB_PER_VCPU = 1769  # as Lambda deals them out
_SESSION_SHARE = 0.6  # of the function's memory; the rest is for inputs, outputs and what runs


@cache
def placement() -> Placement:
    """The tiers of `predict`, as this function sees them."""
    tiers = tiers_of(json.loads(os.environ["TIERS"]))
    return Placement(os.environ["TIER"], tiers, frozenset(json.loads(os.environ["FORWARD"])))


@cache
def predictor() -> Predictor:
    """The data plane. What only a model that runs here needs is made when the first one does."""
    from aimass.usecases.predict import Predictor

    return Predictor(stores.registry(), sessions, resources.prediction_seconds(), elsewhere=placement().elsewhere)


@cache
def sessions() -> Sessions:
    """Open models."""
    from aimass.inference.folders import ModelFolders
    from aimass.inference.sessions import Sessions

    # What a killed process left: its environment lives on, its index does not.
    shutil.rmtree(_models(), ignore_errors=True)
    folders = ModelFolders(_models(), stores.fetcher(), placement().tier.folder_bytes)
    return Sessions(_onnx_runtime(), folders, int(resources.memory_mb() * _SESSION_SHARE) * resources.MIB)


def held_models_news() -> dict[str, Any]:
    """For the log: how models are held, by `caches`, where that changed since the last call; nothing elsewhere."""
    if not sessions.cache_info().currsize:
        return {}
    news = sessions().news()
    return {"caches": asdict(news)} if news else {}


@cache
def other_tiers() -> LambdaTiers:
    """The tiers of `predict` that this one may forward to."""
    from aimass.adapters.aws.invoke import LambdaTiers, lambda_client

    return LambdaTiers(json.loads(os.environ["FORWARD"]), placement().largest, cache(lambda_client))


def prepare_snapshot() -> None:
    """Does what every restored process would have to do first: loads modules, makes clients, runs the built-in model.

    No store is connected to and no tenant's model opened before the snapshot, for all that are restored share it. The
    hooks are part of Lambda's runtime. Raises NotWarm.
    """
    from snapshot_restore_py import register_after_restore  # type: ignore[import-untyped]

    from aimass.inference.builtin import BuiltIn
    from aimass.inference.folders import ModelFolders
    from aimass.inference.sessions import Sessions
    from aimass.protocols.warmup import warm_up
    from aimass.usecases.predict import Predictor

    with TemporaryDirectory() as folder:
        builtin = BuiltIn()
        opened = Sessions(_onnx_runtime(), ModelFolders(Path(folder), builtin, resources.MIB), resources.MIB)
        warm_up(Predictor(builtin, lambda: opened, resources.prediction_seconds()))
        opened.clear()
    predictor()
    sessions()
    register_after_restore(_after_restore)


def _after_restore() -> None:
    """Restored processes differ from here on."""
    random.seed()
    shutil.rmtree(_models(), ignore_errors=True)


def _onnx_runtime() -> OnnxRuntime:
    from aimass.adapters.onnxruntime.session import OnnxRuntime

    if cores := resources.machine_cores():
        return OnnxRuntime(cores, spinning=False)
    return OnnxRuntime(max(1, min(os.cpu_count() or 1, round(resources.memory_mb() / _MIB_PER_VCPU))))


def _models() -> Path:
    return Path(gettempdir()) / "models"
