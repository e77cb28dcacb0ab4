"""Inputs made up through both sides: as many as there is time and memory for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aimass.domain.cut import cut
from aimass.domain.errors import SampleNeeded
from aimass.formats.converter import Wanted
from aimass.formats.member import shown
from aimass.sandbox.tasks.calls import Call, Sides, called
from aimass.sandbox.tasks.compared import array_of
from aimass.sandbox.tasks.made_up import DECIDING, Batch, MadeUp, Sweep
from aimass.sandbox.tasks.made_up_finer import finer
from aimass.sandbox.tasks.refusals import raise_for_memory

_MOST_ROWS, _LEAST_ROWS = 256, 4
_MOST_ELEMENTS = 1 << 20  # of one batch, in or out
_USUAL_BATCHES = 4  # of such values where the model has no trees, whose answers jump there
_MOST_SWEPT, _SWEPT_ROWS = 1 << 16, 4096  # values at which a model decides; rows of a batch of them
_SWEPT_ELEMENTS = 1 << 24  # of all these batches, in or out
_ENOUGH_SIZES = 3
_TRIED_ROWS = (2, 1)
_LONGEST_WORDS = 120  # of a refusal: a library's own may list all that was made up


@dataclass(frozen=True)
class Made:
    """The calls with inputs made up; those with numbers that single precision doesn't tell apart, those that decide
    nothing, and what is to be told of them.
    """

    calls: Sequence[Call] = ()
    colliding: Sequence[Call] = ()
    odd: Sequence[Call] = ()
    notes: Sequence[str] = ()


@dataclass
class _Tally:
    """What became of the batches so far."""

    calls: list[Call] = field(default_factory=list)
    odd: list[Call] = field(default_factory=list)
    tried: int = 0
    refused: int = 0
    swept: int = 0
    words: str = ""

    def add(self, sides: Sides, batch: Batch) -> None:
        """Runs it, and keeps what both sides answer."""
        call, said = called(sides, batch)
        if call:
            (self.calls if batch.plausible else self.odd).append(call)
            self.swept += batch.rows if batch.kind == DECIDING else 0
        self.tried += batch.plausible
        if batch.plausible and not call:
            self.refused, self.words = self.refused + 1, said

    def notes(self, sides: Sides, deciding: int) -> list[str]:
        """What the proof lacks."""
        told = f"{self.refused} of {self.tried} batches made up were refused by the original or need more memory"
        notes = [f"{told}: {cut(self.words, _LONGEST_WORDS)}"] * (self.refused > 0)
        if sides.trees and self.swept < deciding:
            notes.append(f"{self.swept} of {deciding} values at which the model decides, and next to them, were tried")
        return notes


def made_up(sides: Sides, wanted: Sequence[Wanted], seconds: float) -> Made:
    """For `seconds` at most but for the first that run.

    Raises SampleNeeded if the original takes none of them, ConversionFailed if the ONNX model refuses what it takes.
    """
    start = time.monotonic()
    made = MadeUp(wanted, {one.name: list(one.shape or ()) for one in sides.inputs})
    first, size, row_seconds = _first_calls(sides, made)
    rows = _rows(made.row_elements(size), first[0], row_seconds, seconds / 8)
    sweep = _sweep(sides, made.row_elements(size), first[0], rows)
    tally, doubles = _Tally(first), _Tally()
    for batch in made.batches(rows, size, sweep):
        # A model of many thresholds is swept for half of the time, that other steps of the job may follow.
        if time.monotonic() - start >= (seconds / 2 if batch.kind == DECIDING else seconds):
            break
        tally.add(sides, batch)
    for batch in finer(made, wanted, sides.inputs, rows, size) if sides.doubles else ():
        if time.monotonic() - start < seconds:
            doubles.add(sides, batch)
    return Made(tally.calls, doubles.calls, [*tally.odd, *doubles.odd], tally.notes(sides, made.deciding))


def _sweep(sides: Sides, elements: int, call: Call, rows: int) -> Sweep:
    """Every value of trees, in larger batches where a row is quick, as far as memory holds them; the clock ends it."""
    if not sides.trees:
        return Sweep(_USUAL_BATCHES * rows, rows)
    largest = max(1, elements, _row_answered(call))
    step = max(rows, min(_SWEPT_ROWS, _MOST_ELEMENTS // largest)) if rows == _MOST_ROWS else rows
    return Sweep(max(rows, min(_MOST_SWEPT, _SWEPT_ELEMENTS // largest)), step)


def _first_calls(sides: Sides, made: MadeUp) -> tuple[list[Call], int, float]:
    """Two rows in each of the first sizes that the original takes; the first of these, and the seconds of a row."""
    calls: list[Call] = []
    found, row_seconds, words = 0, 0.0, "it wants no inputs"
    for rows in _TRIED_ROWS:
        for size in made.sizes:
            batch = made.random(rows, size)
            start = time.monotonic()
            call, words = called(sides, batch)
            if call is None:
                continue
            took = (time.monotonic() - start) / rows
            found, row_seconds = (found, min(row_seconds, took)) if calls else (size, took)  # the first call imports
            calls.append(call)
            if len(calls) == _ENOUGH_SIZES:
                break
        if calls:
            return calls, found, row_seconds
    raise_for_memory(words)
    raise SampleNeeded(
        f"none of the inputs made up for the model runs; send a sample with it. Its last words: {words}",
        inputs=[shown(one.name) for one in sides.inputs],
    )


def _rows(elements: int, call: Call, row_seconds: float, seconds: float) -> int:
    fit = _MOST_ELEMENTS // max(1, elements, _row_answered(call))
    in_time = int(seconds / max(row_seconds, 1e-6))
    return max(_LEAST_ROWS, min(_MOST_ROWS, fit, in_time))


def _row_answered(call: Call) -> int:
    """Values in one row of all outputs."""
    return sum(array_of(value).size for value in call.onnx.values()) // max(1, call.batch.rows)
