"""Versions of models, as the registry has them."""

from typing import Any

from aimass.domain.description import Description
from aimass.domain.files import StoredFile
from aimass.domain.model import TensorSpec, Version

_TYPES = {"FP32": "tensor(float)", "FP64": "tensor(double)", "INT64": "tensor(int64)", "BYTES": "tensor(string)"}


def spec(name: str, datatype: str, *shape: int, onnx_type: str = "") -> TensorSpec:
    """An input or output; -1 varies."""
    return TensorSpec(name, datatype, shape, onnx_type or _TYPES[datatype])


def version_of(
    inputs: list[TensorSpec], outputs: list[TensorSpec], description: Description | None = None, **more: Any
) -> Version:
    """A ready version with those inputs and outputs."""
    return Version(
        "m",
        1,
        "ready",
        "job",
        "now",
        "m.onnx",
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        description=description,
        **more,
    )


def open_nothing(file: StoredFile, limit: int | None) -> Any:
    """Of a version without a tokenizer."""
    raise AssertionError(f"{file} was opened up to {limit}")
