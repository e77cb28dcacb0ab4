"""An original that answers the same inputs differently each time: its ONNX model isn't to blame for that."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed, ImportRefused
from aimass.formats.member import shown
from aimass.sandbox.tasks.calls import Call, Sides, judged
from aimass.sandbox.tasks.compared import Array
from aimass.sandbox.tasks.judge import Judged

_REPEATS = 3
_TRIED_CALLS = 4  # after so many that hold, the original is taken for steady
_BY_AS_MUCH = 4.0  # how much further the ONNX model's answer may be than the original's own next one


def without_unsteady(
    sides: Sides, calls: Sequence[Call], found: Mapping[str, Judged], seconds: float
) -> tuple[list[Call], list[str]]:
    """The calls without rows beyond the tolerance where the original differs from itself by as much; and notes.

    It is asked again for `seconds` at most. Raises ConversionFailed where no row of any output is left.
    """
    until, steady = time.monotonic() + seconds, 0
    kept: list[Call] = []
    for index, call in enumerate(calls):
        masks: Mapping[str, Array] = {}
        beyond = {
            name: np.where(one.beyond[index], one.excess[index], 0.0)
            for name, one in found.items()
            if one.beyond[index].any()
        }
        if beyond and steady < _TRIED_CALLS and (not kept or time.monotonic() < until):
            masks = dict(_unsteady(sides, call, beyond))
            steady = -len(calls) if masks else steady + 1
        kept.append(replace(call, left_out=_both(call.left_out, masks)) if masks else call)
    if steady < 0 and not judged(sides, kept):
        raise ConversionFailed(
            "the original answers differently each time, so that nothing can be compared with it; send a model that"
            " draws no random numbers when it is asked (no dropout or noise left switched on)"
        )
    return kept, [*_notes(kept, calls)]


def _unsteady(sides: Sides, call: Call, beyond: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """By output the rows that differ from themselves."""
    again = [_asked_again(sides, call) for _ in range(_REPEATS)]
    repeats = [judged(sides, [Call(call.batch, call.original, one)]) for one in again if one is not None]
    for name, excess in beyond.items():
        own = [one[name].excess[0] for one in repeats if name in one and len(one[name].excess[0]) == len(excess)]
        if own:
            most = np.max(own, axis=0)
            rows: Array = (excess > 1) & (most > 1) & (excess <= _BY_AS_MUCH * most)
            if rows.any():
                yield name, rows


def _asked_again(sides: Sides, call: Call) -> Mapping[str, Any] | None:
    try:
        return sides.original(call.batch.exact)
    except ImportRefused:
        raise
    except Exception:  # it answered before; what it refuses now shows nothing
        return None


def _both(one: Mapping[str, Array], other: Mapping[str, Array]) -> Mapping[str, Array]:
    return {**one, **{name: rows | one[name] if name in one else rows for name, rows in other.items()}}


def _notes(kept: Sequence[Call], calls: Sequence[Call]) -> Iterator[str]:
    counts: dict[str, int] = {}
    for call, before in zip(kept, calls, strict=True):
        for name, rows in call.left_out.items() if call is not before else ():
            counts[name] = counts.get(name, 0) + int(rows.sum())
    for name, count in counts.items():
        yield f"{shown(name)}: {count} rows are left out, where the original answers differently each time"
