"""Weights stored in half precision and unpacked at load: half the size at the speed of floats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import numpy_helper

from aimass.compression.contract import Applied, Ask, Options, Pass, Profile, Work
from aimass.compression.passes._stored import store, unpacked, worth_storing


def propose(profile: Profile, ask: Ask) -> Sequence[Options]:
    return ({"name": "fp16-weights", "gain": [2.0, 1.0]},) if worth_storing(profile) else ()


def apply(work: Work, options: Options) -> Applied:
    return store(work, options, _pack, "16 bits, unpacked at load")


def _pack(name: str, weight: Any) -> tuple[list[Any], list[Any]] | None:
    """None where a value is too large for half precision."""
    if np.abs(weight).max() > np.finfo(np.float16).max:
        return None
    small = f"{name}/half"
    return [numpy_helper.from_array(weight.astype(np.float16), small)], [unpacked(name, small)]


PASS = Pass(name="fp16_weights", stage="quantize", methods=("fp16", "weights"), propose=propose, apply=apply)
