"""The same inputs through an original and through its ONNX model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from aimass.domain.conversion import Replay
from aimass.domain.errors import ConversionFailed, SampleNeeded
from aimass.formats.converter import Wanted
from aimass.formats.member import shown
from aimass.sandbox.tasks.calls import Call, Sides, answers_of, judged
from aimass.sandbox.tasks.examples import examples_of
from aimass.sandbox.tasks.hollow import hollow_notes
from aimass.sandbox.tasks.judge import Judged
from aimass.sandbox.tasks.kept_sample import kept_sample
from aimass.sandbox.tasks.made_up_finer import BETWEEN
from aimass.sandbox.tasks.meant import without_meant
from aimass.sandbox.tasks.own_labels import label_notes
from aimass.sandbox.tasks.replay_made_up import Made, made_up
from aimass.sandbox.tasks.replay_sample import Given, given
from aimass.sandbox.tasks.rounding_effect import ADVICE, effect_of, without_rounded
from aimass.sandbox.tasks.session import Feed
from aimass.sandbox.tasks.ties import forgiving
from aimass.sandbox.tasks.unsteady import without_unsteady


@dataclass(frozen=True)
class Replayed:
    """What came of it. `examples` are up to 5 rows that differ, as JSON values; `sample` inputs that both took, where
    none came.
    """

    replay: Replay
    examples: list[dict[str, Any]]
    notes: list[str]
    sample: Feed | None = None


def replay_given(
    sides: Sides, feed: Feed, expected: Mapping[str, Any] | None, wanted: Sequence[Wanted] = (), seconds: float = 10.0
) -> Replayed:
    """The sample that came along, and beside it inputs made up where it is known which are `wanted`.

    Doubles in it are rounded for the ONNX model alone. Outputs that came too are held against both. Raises
    InvalidSample where the original refuses the sample or answers otherwise than was expected.
    """
    sample = given(sides, feed, expected)
    try:
        made = made_up(sides, wanted, seconds) if wanted else Made()
    except SampleNeeded as error:
        made = Made(notes=[f"of inputs made up beside the sample: {error.message}"])
    return _Verdict(sides, wanted, seconds).of(sample, made)


def replay_made_up(sides: Sides, wanted: Sequence[Wanted], seconds: float) -> Replayed:
    """Inputs made up to fit, for `seconds` at most but for the first that run.

    Raises SampleNeeded if the original takes none of them, ConversionFailed if the ONNX model refuses what it takes.
    """
    made = made_up(sides, wanted, seconds)
    found = _Verdict(sides, wanted, seconds).of(Given([], []), made)
    return replace(found, sample=kept_sample(sides.inputs, made.calls))


class _Verdict:
    """The outputs judged; of a sample, what was expected of it and inputs made up, the worst counts."""

    def __init__(self, sides: Sides, wanted: Sequence[Wanted], seconds: float) -> None:
        self._sides = sides
        self._wanted = wanted
        self._seconds = seconds / 4  # to ask again: the replay itself has had all of its time
        self._judged: dict[str, Judged] = {}
        self._notes: list[str] = []
        self._examples: list[dict[str, Any]] = []

    def of(self, sample: Given, made: Made) -> Replayed:
        """Raises ConversionFailed where nothing could be compared."""
        calls = self._settle(sample.calls)
        expected = [replace(one, left_out=calls[0].left_out) for one in sample.expected]
        self._count(expected, *self._found(expected))
        self._settle(made.calls)
        self._settle(made.colliding, forgive_few=False)
        if not self._judged:
            raise ConversionFailed("the original answers none of the ONNX model's outputs: nothing can be compared")
        every = [*sample.calls, *made.calls, *made.colliding]
        self._notes += [f"{shown(name)}: {one.misfit}" for name, one in self._judged.items() if one.misfit]
        self._notes += [
            *_given_notes(sample, made),
            *self._hollow(every),
            *label_notes(every),
            *made.notes,
            *self._odd_notes(made),
        ]
        samples: Literal["given", "generated"] = "given" if sample.calls else "generated"
        differences = tuple(one.difference for one in self._judged.values())
        replay = Replay(samples, sum(call.batch.rows for call in every), differences, bool(sample.expected))
        return Replayed(replay, self._examples, self._notes)

    def _settle(self, calls: Sequence[Call], *, forgive_few: bool = True) -> Sequence[Call]:
        """Counts the calls, but for rows that say nothing of the conversion."""
        found, notes = self._found(calls)
        if any(not one.difference.within for one in found.values()):
            calls = without_meant(self._sides, self._wanted, calls, found, self._until())
            found, _ = self._found(calls)
            calls, told = without_unsteady(self._sides, calls, found, self._seconds)
            found, _ = self._found(calls)
            calls, more = without_rounded(self._sides, calls, found, self._until(), forgive_few=forgive_few)
            found, notes = self._found(calls)
            self._notes += [*told, *more]
        self._count(calls, found, notes)
        return calls

    def _until(self) -> float:
        """When to stop asking the original again for one thing."""
        return time.monotonic() + self._seconds

    def _found(self, calls: Sequence[Call]) -> tuple[dict[str, Judged], list[str]]:
        return forgiving(judged(self._sides, calls)) if calls else ({}, [])

    def _count(self, calls: Sequence[Call], found: Mapping[str, Judged], notes: Sequence[str]) -> None:
        """Keeps the worst of each output."""
        self._notes += notes
        self._examples = self._examples or examples_of(found, answers_of(calls))
        for name, one in found.items():
            if name not in self._judged or _is_worse(one, self._judged[name]):
                self._judged[name] = one

    def _hollow(self, calls: Sequence[Call]) -> Iterator[str]:
        unsteady = {name for call in calls for name in call.original} - {*self._judged}
        for output in self._sides.outputs:
            if output.name in unsteady:
                yield f"{shown(output.name)} is not compared: the original answers it differently each time"
        yield from hollow_notes([one.name for one in self._sides.outputs if one.name not in unsteady], self._judged)

    def _odd_notes(self, made: Made) -> Iterator[str]:
        """Told and not judged: no one knows that the model is ever sent such inputs."""
        between = [call for call in made.odd if call.batch.kind == BETWEEN]
        odd = [call for call in made.odd if call.batch.kind != BETWEEN]
        found = self._found(odd)[0]
        yield from (
            f"{odd[0].batch.kind}: {_told(name, one)}" for name, one in found.items() if not one.difference.within
        )
        effect = effect_of(self._sides, between, self._found(between)[0], self._until())
        if effect and not effect.rare:
            rows = "rows made up between values at which the model decides"
            yield f"{effect.told(rows)}; if it is sent such, {ADVICE}"


def _is_worse(one: Judged, other: Judged) -> bool:
    if one.difference.within != other.difference.within:
        return other.difference.within
    return (one.difference.largest_relative or 0.0) > (other.difference.largest_relative or 0.0)


def _given_notes(sample: Given, made: Made) -> list[str]:
    if not sample.calls or not made.calls:
        return []
    rows = sum(call.batch.rows for call in sample.calls)
    return [f"replayed: {rows} rows of the sample and {sum(call.batch.rows for call in made.calls)} made up"]


def _told(name: str, judged: Judged) -> str:
    difference = judged.difference
    if difference.largest_absolute is None:
        return f"{shown(name)} agrees in {difference.agreement or 0:.0%} of the rows only"
    return f"{shown(name)} differs by up to {difference.largest_absolute:.3g}"
