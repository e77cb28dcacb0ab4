"""Rows made up from what a model says of its inputs, where there are none: always the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aimass.compression.contract import NotApplicable
from aimass.compression.model_file import answers

_FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}
_WHOLE = {
    f"tensor({name})": np.dtype(name)
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
}
# What a dimension without a size is taken to be, until the model runs.
_SIZES = (1, 2, 8, 32, 64, 128, 224, 512)
_CALLS = 4


def made_up_feeds(session: Any) -> Sequence[Mapping[str, Any]]:
    """A few calls that the model answers. Raises NotApplicable if none could be made."""
    for size in _SIZES:
        random = np.random.default_rng(0)
        feeds = [{one.name: _value(one, size, random) for one in session.get_inputs()} for _ in range(_CALLS)]
        try:
            answers(session, feeds)
        except NotApplicable:
            continue
        return feeds
    raise NotApplicable("there are no rows, and none could be made up that the model answers")


def _value(declared: Any, size: int, random: np.random.Generator) -> Any:
    shape = [length if isinstance(length, int) else 1 if at == 0 else size for at, length in enumerate(declared.shape)]
    if declared.type in _FLOATS:
        return random.standard_normal(shape).astype(_FLOATS[declared.type])
    if declared.type in _WHOLE:
        return random.integers(0, 2, shape).astype(_WHOLE[declared.type])
    if declared.type == "tensor(string)":
        return np.full(shape, "word", object)
    raise NotApplicable(f"input '{declared.name}' is a {declared.type}, of which none can be made up")
