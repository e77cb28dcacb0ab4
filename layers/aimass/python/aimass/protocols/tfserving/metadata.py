"""A version's signature, as TensorFlow Serving's metadata and status calls say it. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aimass.domain.model import TensorSpec, Version, VersionSummary

_DTYPES = {"BOOL": "DT_BOOL", "FP16": "DT_HALF", "BF16": "DT_BFLOAT16", "FP32": "DT_FLOAT", "FP64": "DT_DOUBLE"}
_DTYPES |= {f"{sign}INT{bits}": f"DT_{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
_DTYPES["BYTES"] = "DT_STRING"

_STATES = {"importing": "LOADING", "failed": "END", "ready": "AVAILABLE", "stored": "END", "deleted": "END"}


def metadata(version: Version) -> dict[str, Any]:
    """The one signature that a version has. Its protobuf nests `signature_def` twice, and 64-bit sizes are strings."""
    signature = {
        "inputs": _tensors(version.inputs),
        "outputs": _tensors(version.outputs),
        "method_name": "tensorflow/serving/predict",
    }
    return {
        "model_spec": {"name": version.model, "signature_name": "", "version": str(version.number)},
        "metadata": {"signature_def": {"signature_def": {"serving_default": signature}}},
    }


def _tensors(specs: Sequence[TensorSpec]) -> dict[str, Any]:
    return {spec.name: _tensor(spec) for spec in specs}


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    """No shape may be a scalar's, or one that nobody knows."""
    dimensions = [{"size": str(size), "name": ""} for size in spec.shape]
    shape = {"dim": dimensions, "unknown_rank": not spec.shape}
    return {"dtype": _DTYPES[spec.datatype], "tensor_shape": shape, "name": spec.name}


def status_entry(number: int, state: str, failure: str = "the version's import failed") -> dict[str, Any]:
    """One of `model_version_status`; `failure` is what a failed import said."""
    code = ("FAILED_PRECONDITION", failure) if state == "failed" else ("OK", "")
    status = {"error_code": code[0], "error_message": code[1]}
    return {"version": str(number), "state": _STATES[state], "status": status}


def status_entries(serving: int | None, versions: Sequence[VersionSummary]) -> list[dict[str, Any]]:
    """Every version: first the one that a call without a version gets, then the newest."""
    entries = {
        one.number: status_entry(one.number, one.state, one.failure.message if one.failure else "") for one in versions
    }
    first = [] if serving is None else [entries.pop(serving, status_entry(serving, "ready"))]
    return first + [entries[number] for number in sorted(entries, reverse=True)]
