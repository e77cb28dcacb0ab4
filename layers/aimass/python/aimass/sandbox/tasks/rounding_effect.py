"""Rows that an ONNX model answers otherwise than its original for no reason but that their numbers were rounded."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aimass.domain.conversion import ROUNDED
from aimass.domain.errors import ImportRefused
from aimass.sandbox.tasks.calls import Call, Sides, judged
from aimass.sandbox.tasks.compared import Array
from aimass.sandbox.tasks.judge import Judged
from aimass.sandbox.tasks.rounding import moved_most
from aimass.sandbox.tasks.session import Feed
from aimass.sandbox.tasks.ties import forgiving

#: Of a sample's rows: so many may lie so near a jump of the original's that rounding carries them over it.
_MOST_SHARE = 0.01
#: What to do about it.
ADVICE = "train it on numbers that are float32 already, less an offset or scaled where they are far from 0"


@dataclass(frozen=True)
class Effect:
    """Rows that differ for their rounding alone, as a mask by output for each call; `count` says how many
    such rows there are among `rows`, `columns` which are rounded most.
    """

    masks: Sequence[Mapping[str, Array]]
    count: int
    rows: int
    columns: str

    def told(self, rows: str = "rows") -> str:
        """What to tell of it; `rows` is what they are called."""
        many = f"{self.count} of {self.rows} {rows} are answered otherwise than unrounded"
        return f"{ROUNDED}{many} ({self.columns})"

    @property
    def rare(self) -> bool:
        """Whether the rows are as few as lie by chance next to a jump of the original's."""
        return self.count <= _MOST_SHARE * self.rows


def effect_of(sides: Sides, calls: Sequence[Call], found: Mapping[str, Judged], until: float) -> Effect | None:
    """What the rounding of the calls' numbers does, if anything. The original is asked again up to `until`."""
    masks = [dict(_by_rounding(sides, call, index, found, until)) for index, call in enumerate(calls)]
    count = sum(_count(mask) for mask in masks)
    if not count:
        return None
    columns = moved_most([call.batch for call, mask in zip(calls, masks, strict=True) if mask])
    return Effect(masks, count, sum(call.batch.rows for call in calls), columns)


def without_rounded(
    sides: Sides, calls: Sequence[Call], found: Mapping[str, Judged], until: float, *, forgive_few: bool
) -> tuple[list[Call], list[str]]:
    """The calls without rows that differ for their rounding alone, where they are few; and a note of what differs."""
    effect = effect_of(sides, calls, found, until)
    if effect is None:
        return [*calls], []
    if not (forgive_few and effect.rare):
        return [*calls], [f"{effect.told()}; {ADVICE}"]
    left = [replace(call, left_out={**call.left_out, **mask}) for call, mask in zip(calls, effect.masks, strict=True)]
    return left, [f"{effect.told()}; so few are not held against the ONNX model"]


def _count(mask: Mapping[str, Array]) -> int:
    """Rows that any output is off in."""
    same = len({len(rows) for rows in mask.values()}) == 1
    if same:
        return int(np.any([*mask.values()], axis=0).sum())
    return max((int(rows.sum()) for rows in mask.values()), default=0)


def _by_rounding(
    sides: Sides, call: Call, index: int, found: Mapping[str, Judged], until: float
) -> Iterator[tuple[str, Array]]:
    if call.batch.unrounded is not None:
        yield from agreeing(sides, call, index, found, call.batch.feed, until)


def agreeing(
    sides: Sides, call: Call, index: int, found: Mapping[str, Judged], feed: Feed, until: float
) -> Iterator[tuple[str, Array]]:
    """By output the rows beyond the tolerance where the original agrees once it is given another feed, with those that
    are left out already. The call is that of the index in what was found.

    None after `until`, on the monotonic clock: what isn't asked again is held against the ONNX model.
    """
    beyond = {name: one.beyond[index] for name, one in found.items() if one.beyond[index].any()}
    if not beyond or time.monotonic() >= until:
        return
    try:
        original = sides.original(feed)
    except ImportRefused:
        raise
    except Exception:  # then what the feed changes can't be told from the rest
        return
    again = forgiving(judged(sides, [Call(call.batch, original, call.onnx)]))[0]
    alike = {name: ~one.beyond[0] for name, one in again.items()}
    masks = {
        name: rows & alike[name] for name, rows in beyond.items() if name in alike and alike[name].shape == rows.shape
    }
    if len({len(rows) for rows in masks.values()}) == 1:
        whole: Array = np.any([*masks.values()], axis=0)
        others = {name: same for name, same in alike.items() if name not in beyond and same.shape == whole.shape}
        masks |= {name: whole & same for name, same in others.items()}  # such as a label forgiven for scores left out
    for name, mask in masks.items():
        if mask.any():
            yield name, mask | call.left_out.get(name, False)
