"""The same inputs through an original and through its ONNX model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from aimass.domain.conversion import Replay
from aimass.domain.errors import ConversionFailed, ImportRefused, InvalidSample, SampleNeeded
from aimass.formats.converter import Wanted
from aimass.formats.member import shown
from aimass.inference.onnxruntime.words import reason
from aimass.sandbox.tasks.compare import Judged, array_of, judge, pair_of
from aimass.sandbox.tasks.examples import Answers, examples_of
from aimass.sandbox.tasks.hollow import hollow_notes
from aimass.sandbox.tasks.made_up import DECIDING, Batch, MadeUp, Sweep
from aimass.sandbox.tasks.refusals import raise_for_memory
from aimass.sandbox.tasks.session import Feed
from aimass.sandbox.tasks.ties import forgiving

_MOST_ROWS, _LEAST_ROWS = 256, 4
_MOST_ELEMENTS = 1 << 20  # of one batch, in or out
_USUAL_BATCHES = 4  # of such values where the model has no trees, whose answers jump there
_MOST_SWEPT, _SWEPT_ROWS = 1 << 16, 4096  # values at which a model decides; rows of a batch of them
_SWEPT_ELEMENTS = 1 << 24  # of all these batches, in or out
_ENOUGH_SIZES = 3
_TRIED_ROWS = (2, 1)

Run = Callable[[Feed], Mapping[str, Any]]


@dataclass(frozen=True)
class Sides:
    """Both models. `inputs` and `outputs` are onnxruntime's descriptions of the ONNX model's; `trees`: it has some."""

    original: Run
    onnx: Run
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    trees: bool = False


@dataclass(frozen=True)
class Replayed:
    """What came of it. `examples` are up to 5 rows that differ, as JSON values."""

    replay: Replay
    examples: list[dict[str, Any]]
    notes: list[str]


@dataclass(frozen=True)
class _Call:
    batch: Batch
    original: Mapping[str, Any]
    onnx: Mapping[str, Any]


@dataclass(frozen=True)
class _Given:
    """The calls with a sample, and the call that was expected to answer so."""

    calls: Sequence[_Call]
    expected: Sequence[_Call]


@dataclass(frozen=True)
class _Made:
    """The calls with inputs made up, those that decide nothing, and what is to be told of them."""

    calls: Sequence[_Call]
    odd: Sequence[_Call]
    notes: Sequence[str]


def replay_given(
    sides: Sides, feed: Feed, expected: Mapping[str, Any] | None, wanted: Sequence[Wanted] = (), seconds: float = 0.0
) -> Replayed:
    """The sample that came along, and beside it inputs made up where it is known which are `wanted`.

    Outputs that came too are held against both. Raises InvalidSample where the original refuses the sample or answers
    otherwise than was expected.
    """
    given = _given(sides, feed, expected)
    try:
        made = _made_up(sides, wanted, seconds) if wanted else _Made([], [], [])
    except SampleNeeded as error:
        made = _Made([], [], [f"of inputs made up beside the sample: {error.message}"])
    return _replayed(sides, given, made)


def replay_made_up(sides: Sides, wanted: Sequence[Wanted], seconds: float) -> Replayed:
    """Inputs made up to fit, for `seconds` at most but for the first that run.

    Raises SampleNeeded if the original takes none of them, ConversionFailed if the ONNX model refuses what it takes.
    """
    return _replayed(sides, _Given([], []), _made_up(sides, wanted, seconds))


def _given(sides: Sides, feed: Feed, expected: Mapping[str, Any] | None) -> _Given:
    batch = Batch("the sample", feed, _rows_of(feed))
    try:
        original = sides.original(feed)
    except (ImportRefused, MemoryError):
        raise
    except Exception as error:
        raise InvalidSample(f"the model refuses the sample: {reason(str(error))}") from None
    calls = [_Call(batch, original, _answered(sides, batch))]
    if expected:
        _check_expected(sides, batch, original, expected)
    single = _single_row(sides, batch)
    call = _call(sides, single)[0] if single else None
    # What the original doesn't answer, as hidden states, may still be among the outputs that are expected.
    return _Given([*calls, *([call] if call else [])], [_Call(batch, expected, calls[0].onnx)] if expected else [])


def _single_row(sides: Sides, batch: Batch) -> Batch | None:
    """The sample's first row alone, where it has several and the ONNX model is written for any number."""
    fixed = any(one.shape and isinstance(one.shape[0], int) for one in sides.inputs)
    arrays = {name: value if isinstance(value, np.ndarray) else None for name, value in batch.feed.items()}
    if fixed or batch.rows < 2 or any(one is None or one.shape[:1] != (batch.rows,) for one in arrays.values()):
        return None
    return Batch("the sample's first row", {name: value[:1] for name, value in batch.feed.items()}, 1)


def _made_up(sides: Sides, wanted: Sequence[Wanted], seconds: float) -> _Made:
    start = time.monotonic()
    made = MadeUp(wanted, {one.name: list(one.shape or ()) for one in sides.inputs})
    calls, size, row_seconds = _first_calls(sides, made)
    rows = _rows(made.row_elements(size), calls[0], row_seconds, seconds / 8)
    sweep = _sweep(sides, made.row_elements(size), calls[0], rows)
    odd: list[_Call] = []
    tried, refused, swept, words = 0, 0, 0, ""
    for batch in made.batches(rows, size, sweep):
        # A model of many thresholds is swept for half of the time, that other steps of the job may follow.
        if time.monotonic() - start >= (seconds / 2 if batch.kind == DECIDING else seconds):
            break
        call, said = _call(sides, batch)
        if call:
            (calls if batch.plausible else odd).append(call)
            swept += batch.rows if batch.kind == DECIDING else 0
        tried += batch.plausible
        refused, words = (refused + 1, said) if batch.plausible and not call else (refused, words)
    notes = [f"{refused} of {tried} batches made up were refused by the original or need more memory: {words}"] * (
        refused > 0
    )
    if sides.trees and swept < made.deciding:
        notes.append(f"{swept} of {made.deciding} values at which the model decides, and next to them, were tried")
    return _Made(calls, odd, notes)


def _sweep(sides: Sides, elements: int, call: _Call, rows: int) -> Sweep:
    """Every value of trees, in larger batches where a row is quick, as far as memory holds them; the clock ends it."""
    if not sides.trees:
        return Sweep(_USUAL_BATCHES * rows, rows)
    answered = sum(array_of(value).size for value in call.onnx.values()) // max(1, call.batch.rows)
    largest = max(1, elements, answered)
    step = max(rows, min(_SWEPT_ROWS, _MOST_ELEMENTS // largest)) if rows == _MOST_ROWS else rows
    return Sweep(max(rows, min(_MOST_SWEPT, _SWEPT_ELEMENTS // largest)), step)


def _first_calls(sides: Sides, made: MadeUp) -> tuple[list[_Call], int, float]:
    """Two rows in each of the first sizes that the original takes; the first of these, and the seconds of a row."""
    calls: list[_Call] = []
    found, row_seconds, words = 0, 0.0, "it wants no inputs"
    for rows in _TRIED_ROWS:
        for size in made.sizes:
            batch = made.random(rows, size)
            start = time.monotonic()
            call, words = _call(sides, batch)
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


def _call(sides: Sides, batch: Batch) -> tuple[_Call | None, str]:
    """Both answers, or None and why: inputs that the original refuses show nothing, nor do more than memory holds."""
    try:
        original = sides.original(batch.feed)
    except ImportRefused:
        raise
    except Exception as error:
        return None, reason(str(error)) or type(error).__name__
    try:
        return _Call(batch, original, _answered(sides, batch)), ""
    except MemoryError:
        return None, "MemoryError"
    except ConversionFailed as error:
        if batch.plausible:
            raise
        return None, error.message


def _answered(sides: Sides, batch: Batch) -> Mapping[str, Any]:
    try:
        return sides.onnx(batch.feed)
    except Exception as error:
        raise_for_memory(str(error) or type(error).__name__)
        shapes = {shown(name): list(array_of(value).shape) for name, value in batch.feed.items()}
        text = f"the ONNX model refuses what the original takes ({batch.kind} of the shapes {shapes})"
        raise ConversionFailed(f"{text}: {reason(str(error))}", shapes=str(shapes)) from None


def _rows_of(feed: Feed) -> int:
    sizes = [value.shape[0] for value in map(array_of, feed.values()) if value.ndim]
    return int(sizes[0]) if sizes else 1


def _rows(elements: int, call: _Call, row_seconds: float, seconds: float) -> int:
    answered = sum(array_of(value).size for value in call.onnx.values()) // max(1, call.batch.rows)
    fit = _MOST_ELEMENTS // max(1, elements, answered)
    in_time = int(seconds / max(row_seconds, 1e-6))
    return max(_LEAST_ROWS, min(_MOST_ROWS, fit, in_time))


def _check_expected(sides: Sides, batch: Batch, original: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    judged = dict(_judged(sides, [_Call(batch, expected, original)]))
    wrong = [name for name, one in judged.items() if not one.difference.within]
    if wrong:
        found = examples_of(judged, _answers([_Call(batch, expected, original)]), ("expected", "original"))
        raise InvalidSample(
            f"the model itself does not answer the sample as expected: {', '.join(map(shown, wrong[:5]))} differ;"
            " send the outputs that this very model gave",
            outputs=[shown(name) for name in wrong[:5]],
            examples=found,
        )


def _judged(sides: Sides, calls: Sequence[_Call]) -> Iterator[tuple[str, Judged]]:
    """Each output that both sides have in any call; one that a side lacks in some is beyond the tolerance there."""
    for output in sides.outputs:
        name = output.name
        if any(name in call.original and name in call.onnx for call in calls):
            pairs = [pair_of(name, call.original, call.onnx, call.batch.rows) for call in calls]
            yield name, judge(name, output.type, pairs)


def _replayed(sides: Sides, given: _Given, made: _Made) -> Replayed:
    """The outputs judged, ties forgiven; of a sample, what was expected of it and inputs made up, the worst counts."""
    judged: dict[str, Judged] = {}
    notes: list[str] = []
    examples: list[dict[str, Any]] = []
    for calls in filter(None, (given.calls, given.expected, made.calls)):
        found, more = forgiving(dict(_judged(sides, calls)))
        notes += more
        examples = examples or examples_of(found, _answers(calls))
        judged |= {name: one for name, one in found.items() if name not in judged or _is_worse(one, judged[name])}
    if not judged:
        raise ConversionFailed("the original answers none of the ONNX model's outputs: nothing can be compared")
    notes += [f"{shown(name)}: {one.misfit}" for name, one in judged.items() if one.misfit]
    calls = [*given.calls, *made.calls]
    notes += _given_notes(given, made) + hollow_notes([one.name for one in sides.outputs], judged)
    differences = tuple(one.difference for one in judged.values())
    samples: Literal["given", "generated"] = "given" if given.calls else "generated"
    replay = Replay(samples, sum(call.batch.rows for call in calls), differences, bool(given.expected))
    return Replayed(replay, examples, [*notes, *made.notes, *_odd_notes(sides, made.odd)])


def _is_worse(one: Judged, other: Judged) -> bool:
    if one.difference.within != other.difference.within:
        return other.difference.within
    return (one.difference.largest_relative or 0.0) > (other.difference.largest_relative or 0.0)


def _given_notes(given: _Given, made: _Made) -> list[str]:
    if not given.calls or not made.calls:
        return []
    rows = sum(call.batch.rows for call in given.calls)
    return [f"replayed: {rows} rows of the sample and {sum(call.batch.rows for call in made.calls)} made up"]


def _answers(calls: Sequence[_Call]) -> list[Answers]:
    return [(call.batch, call.original, call.onnx) for call in calls]


def _odd_notes(sides: Sides, odd: Sequence[_Call]) -> list[str]:
    """Told and not judged: no one knows that the model is ever sent such inputs."""
    judged = forgiving(dict(_judged(sides, odd)))[0] if odd else {}
    return [f"{odd[0].batch.kind}: {_told(name, one)}" for name, one in judged.items() if not one.difference.within]


def _told(name: str, judged: Judged) -> str:
    difference = judged.difference
    if difference.largest_absolute is None:
        return f"{shown(name)} agrees in {difference.agreement or 0:.0%} of the rows only"
    return f"{shown(name)} differs by up to {difference.largest_absolute:.3g}"
