"""Numbers in single precision that stand for the double at which a model decides: 0.1 is sent for 0.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from aimass.formats.converter import Wanted
from aimass.sandbox.tasks.calls import Call, Sides
from aimass.sandbox.tasks.compared import Array
from aimass.sandbox.tasks.judge import Judged
from aimass.sandbox.tasks.made_up_values import by_column
from aimass.sandbox.tasks.rounding_effect import agreeing
from aimass.sandbox.tasks.session import Feed


def without_meant(
    sides: Sides, wanted: Sequence[Wanted], calls: Sequence[Call], found: Mapping[str, Judged], until: float
) -> list[Call]:
    """The calls without rows whose numbers, taken for the doubles that they stand for, the original answers as the
    ONNX model does. Both answers are right: whoever has the double can't send it otherwise. The original is asked
    again up to `until`, on the monotonic clock.
    """
    if not sides.doubles:
        return [*calls]
    return [_without(sides, wanted, call, index, found, until) for index, call in enumerate(calls)]


def _without(
    sides: Sides, wanted: Sequence[Wanted], call: Call, index: int, found: Mapping[str, Judged], until: float
) -> Call:
    if call.batch.unrounded is not None or not any(one.beyond[index].any() for one in found.values()):
        return call
    feed = meant(call.batch.feed, wanted)
    masks = dict(agreeing(sides, call, index, found, feed, until)) if feed else {}
    return replace(call, left_out={**call.left_out, **masks})


def meant(feed: Feed, wanted: Sequence[Wanted]) -> Feed | None:
    """The feed with doubles in place of what stands for them, or None where there are none."""
    other: dict[str, Any] = {**feed}
    for one in wanted:
        value = feed.get(one.name)
        if isinstance(value, np.ndarray) and value.dtype == np.float32 and value.ndim:
            other[one.name] = _meant(one, value)
    return other if any(other[name] is not feed[name] for name in feed) else None


def _meant(one: Wanted, value: Array) -> Array:
    exact = value.astype(np.float64)
    for column, near in one.near.items():
        values = np.unique(np.asarray(near, np.float64))  # sorted, as their singles are too
        with np.errstate(over="ignore"):
            singles = values.astype(np.float32)
        given = by_column(value)[:, column]
        places = np.minimum(np.searchsorted(singles, given), len(singles) - 1)
        by_column(exact)[:, column] = np.where(singles[places] == given, values[places], given)
    return exact if not np.array_equal(exact, value, equal_nan=True) else value
