"""Triton's own views of a version: model configuration, statistics, repository index. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aimass.domain.model import TensorSpec, Version, VersionSummary
from aimass.inference.statistics import Duration, ModelStatistics

_STATES = {"ready": "READY", "importing": "LOADING"}


def config(version: Version) -> dict[str, Any]:
    """The model configuration (model_config.proto, as JSON).

    Its dimensions leave the batch out where there is one: where the description lets rows of calls run together.
    """
    batch = _max_batch(version)
    found: dict[str, Any] = {
        "name": version.model,
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "version_policy": {"specific": {"versions": [version.number]}},
        "max_batch_size": batch,
        "input": [
            _tensor(spec, batch) | {"format": "FORMAT_NONE", "optional": _optional(spec)} for spec in version.inputs
        ],
        "output": [_tensor(spec, batch) for spec in version.outputs],
    }
    batching = version.description.batching if version.description else None
    if batch and batching:
        found["dynamic_batching"] = {"max_queue_delay_microseconds": round(batching.max_delay_ms * 1000)}
    return found


def _max_batch(version: Version) -> int:
    batching = version.description.batching if version.description else None
    specs = (*version.inputs, *version.outputs)
    return batching.max_batch if batching and all(spec.shape[:1] == (-1,) for spec in specs) else 0


def _tensor(spec: TensorSpec, batch: int) -> dict[str, Any]:
    datatype = "STRING" if spec.datatype == "BYTES" else spec.datatype
    dims = spec.shape[1:] if batch else spec.shape
    return {"name": spec.name, "data_type": f"TYPE_{datatype}", "dims": list(dims)}


def _optional(spec: TensorSpec) -> bool:
    return spec.onnx_type.startswith("optional(")


def statistics(counted: Mapping[tuple[str, int], ModelStatistics]) -> dict[str, Any]:
    """What this process counted of versions of models (statistics extension)."""
    return {"model_stats": [_counted(model, number, one) for (model, number), one in counted.items()]}


def _counted(model: str, number: int, counted: ModelStatistics) -> dict[str, Any]:
    """Times in nanoseconds. Nothing waits in a queue here."""
    inference = {
        "success": _duration(counted.success),
        "fail": _duration(counted.fail),
        "queue": _duration(Duration(counted.success.count)),
        "compute_input": _duration(counted.load),
        "compute_infer": _duration(counted.run),
        "compute_output": _duration(counted.rest),
        "cache_hit": _duration(Duration()),
        "cache_miss": _duration(Duration()),
    }
    return {
        "name": model,
        "version": str(number),
        "last_inference": counted.last_ms,
        "inference_count": counted.inferences,
        "execution_count": counted.executions,
        "inference_stats": inference,
        "batch_stats": [],
    }


def _duration(duration: Duration) -> dict[str, int]:
    return {"count": duration.count, "ns": duration.ns}


def index(versions: Sequence[VersionSummary], ready: bool) -> list[dict[str, str]]:
    """The repository index; with `ready` of those that answer alone."""
    return [_entry(one) for one in versions if one.state == "ready" or not ready]


def _entry(one: VersionSummary) -> dict[str, str]:
    reason = one.failure.message if one.failure and one.state == "failed" else ""
    return {
        "name": one.model,
        "version": str(one.number),
        "state": _STATES.get(one.state, "UNAVAILABLE"),
        "reason": reason,
    }
