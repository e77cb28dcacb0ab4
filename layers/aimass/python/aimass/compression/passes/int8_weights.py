"""Weights stored in eight bits, each channel with a scale, and unpacked at load: a quarter of the size at full speed.

What is computed stays in floats, so the answers hardly move, and are the same on every processor: for models whose
activations cannot be quantized, recurrent ones too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from aimass.compression.contract import Applied, Ask, Options, Pass, Profile, Work
from aimass.compression.passes._stored import store, unpacked, worth_storing

_LEVELS = 127


def propose(profile: Profile, ask: Ask) -> Sequence[Options]:
    return ({"name": "int8-weights", "gain": [3.9, 1.0]},) if worth_storing(profile) else ()


def apply(work: Work, options: Options) -> Applied:
    return store(work, options, _pack, "8 bits, unpacked at load")


def _pack(name: str, weight: Any) -> tuple[list[Any], list[Any]] | None:
    """Scales along the axis that makes the error least; none for a vector, whose values are biases and the like."""
    if weight.ndim < 2 or not np.isfinite(weight).all():
        return None
    whole, scales = min((_along(weight, axis) for axis in range(weight.ndim)), key=lambda pair: _off(weight, *pair))
    small, scale, floats = f"{name}/int8", f"{name}/scales", f"{name}/floats"
    multiply = helper.make_node("Mul", [floats, scale], [name], f"{name}/scaled")
    return [numpy_helper.from_array(whole, small), numpy_helper.from_array(scales, scale)], [
        unpacked(floats, small),
        multiply,
    ]


def _along(weight: Any, axis: int) -> tuple[Any, Any]:
    others = tuple(at for at in range(weight.ndim) if at != axis)
    largest = np.abs(weight).max(axis=others, keepdims=True)
    scales = np.where(largest > 0, largest / _LEVELS, 1).astype(np.float32)
    return np.clip(np.rint(weight / scales), -_LEVELS, _LEVELS).astype(np.int8), scales


def _off(weight: Any, whole: Any, scales: Any) -> float:
    """The error, and with it what the scales take: an axis as long as the weight itself would have none."""
    if 8 * scales.size > weight.size:
        return float("inf")
    return float(np.square(weight - whole * scales, dtype=np.float64).sum())


PASS = Pass(name="int8_weights", stage="quantize", methods=("int8", "weights"), propose=propose, apply=apply)
