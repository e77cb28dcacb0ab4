"""Inputs and outputs as the registry describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aimass.domain.datatypes import FLOATS, datatype_of, is_tensor

_ROUNDING = 1e-3


def input_spec(value: Any, fed: Any) -> dict[str, Any]:
    """A TensorSpec as JSON. A declared shape is binding for an input, unless its rank was not declared."""
    shape = _declared(value)
    return _spec(value, [-1] * fed.ndim if not shape and isinstance(fed, np.ndarray) else shape)


def output_spec(value: Any, seen: Any) -> dict[str, Any]:
    """A TensorSpec as JSON, with -1 wherever what the model declares is not what it answered."""
    shape = _declared(value)
    if isinstance(seen, np.ndarray) and is_tensor(value.type):
        if len(shape) != seen.ndim:
            shape = [-1] * seen.ndim
        shape = [want if want == got else -1 for want, got in zip(shape, seen.shape, strict=True)]
    return _spec(value, shape)


def is_raw(value: Any, seen: Any) -> bool:
    """Whether these are floats of classes, perhaps of tokens, and some can be no probability."""
    if not isinstance(seen, np.ndarray) or seen.ndim not in {2, 3} or datatype_of(value.type) not in FLOATS:
        return False
    scores = seen.astype(np.float64)
    return not bool(((scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)).all())


def takes_float_pictures(spec: Mapping[str, Any]) -> bool:
    """Whether this takes floats in four dimensions, with 1 or 3 channels."""
    shape = spec["shape"]
    return spec["datatype"] in FLOATS and len(shape) == 4 and bool({shape[1], shape[3]} & {1, 3})


def _declared(value: Any) -> list[int]:
    if not is_tensor(value.type):
        return [-1] if value.type.startswith("seq(") else [1]
    return [size if isinstance(size, int) and size >= 0 else -1 for size in value.shape or ()]


def _spec(value: Any, shape: Sequence[int]) -> dict[str, Any]:
    return {
        "name": value.name,
        "datatype": datatype_of(value.type),
        "shape": list(shape),
        "onnx_type": value.type,
    }
