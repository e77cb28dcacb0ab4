"""What becomes of numbers in double precision where the ONNX model takes them in single precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from aimass.formats.member import shown
from aimass.sandbox.tasks.made_up import Batch
from aimass.sandbox.tasks.made_up_values import by_column
from aimass.sandbox.tasks.session import Feed

_MOST_COLUMNS, _NEARLY_AS_MUCH = 2, 0.1


def rounded(feed: Feed, inputs: Sequence[Any]) -> Feed:
    """The feed as the ONNX model takes it: doubles in single precision where it wants that."""
    singles = {one.name for one in inputs if one.type == "tensor(float)"}
    with np.errstate(over="ignore"):
        return {
            name: value.astype(np.float32) if name in singles and _is_double(value) else value
            for name, value in feed.items()
        }


def unrounded(kind: str, feed: Feed, inputs: Sequence[Any], rows: int, *, plausible: bool = True) -> Batch:
    """A batch whose numbers the original is given as they are."""
    other = rounded(feed, inputs)
    same = all(_same(value, other[name]) for name, value in feed.items())
    return Batch(kind, other, rows, plausible, None if same else feed)


def _is_double(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.float64


def _same(value: Any, other: Any) -> bool:
    return not _is_double(value) or np.array_equal(value, other, equal_nan=True)


def moved_most(batches: Sequence[Batch]) -> str:
    """The columns that rounding moves most for how much they vary, and by how much."""
    found = [one for name in batches[0].feed for one in _moved(name, batches)]
    found.sort(key=lambda one: one[0], reverse=True)
    kept = [text for share, text in found if share >= _NEARLY_AS_MUCH * found[0][0]]
    more = f" and {len(kept) - _MOST_COLUMNS} more" if len(kept) > _MOST_COLUMNS else ""
    return "; ".join(kept[:_MOST_COLUMNS]) + more


def _moved(name: str, batches: Sequence[Batch]) -> Iterator[tuple[float, str]]:
    exact = [batch.exact[name] for batch in batches]
    if not all(map(_is_double, exact)) or exact[0].ndim == 0:
        return
    values = np.concatenate([by_column(one) for one in exact])
    singles = np.concatenate([by_column(batch.feed[name]) for batch in batches]).astype(np.float64)
    with np.errstate(invalid="ignore"):
        off = np.nan_to_num(np.abs(values - singles), nan=0.0, posinf=np.inf).max(axis=0, initial=0.0)
    known = np.where(np.isfinite(values), values, 0.0)
    spread = np.ptp(known, axis=0)
    for column in np.flatnonzero(off > 0):
        where = f"input '{shown(name)}'" + (f", column {column} (counted from 0)" if len(off) > 1 else "")
        yield float(off[column] / (spread[column] or 1.0)), f"{where}: up to {off[column]:.3g} off"
