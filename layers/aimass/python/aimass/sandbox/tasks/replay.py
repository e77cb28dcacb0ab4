"""The same inputs through an original and through its ONNX model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from aimass.domain.conversion import Replay
from aimass.domain.errors import ConversionFailed, ImportRefused, InvalidSample, SampleNeeded
from aimass.formats.converter import Wanted
from aimass.formats.member import shown
from aimass.inference.onnxruntime.words import reason
from aimass.sandbox.tasks.compare import Judged, array_of, compared, judge
from aimass.sandbox.tasks.examples import Answers, examples_of
from aimass.sandbox.tasks.made_up import Batch, MadeUp
from aimass.sandbox.tasks.refusals import raise_for_memory
from aimass.sandbox.tasks.session import Feed
from aimass.sandbox.tasks.ties import forgiving

_MOST_ROWS, _LEAST_ROWS = 256, 4
_MOST_ELEMENTS = 1 << 20  # of one batch, in or out
_ENOUGH_SIZES = 3
_TRIED_ROWS = (2, 1)

Run = Callable[[Feed], Mapping[str, Any]]


@dataclass(frozen=True)
class Sides:
    """Both models. `inputs` and `outputs` are onnxruntime's descriptions of the ONNX model's."""

    original: Run
    onnx: Run
    inputs: Sequence[Any]
    outputs: Sequence[Any]


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


def replay_given(sides: Sides, feed: Feed, expected: Mapping[str, Any] | None) -> Replayed:
    """The sample that came along. Outputs that came too are held against both.

    Raises InvalidSample where the original refuses the sample or answers otherwise than was expected.
    """
    batch = Batch("the sample", feed, _rows_of(feed))
    try:
        original = sides.original(feed)
    except (ImportRefused, MemoryError):
        raise
    except Exception as error:
        raise InvalidSample(f"the model refuses the sample: {reason(str(error))}") from None
    calls = [_Call(batch, original, _answered(sides, batch))]
    if not expected:
        return _replayed(sides, calls, [], "given")
    _check_expected(sides, batch, original, expected)
    # What the original doesn't answer, as hidden states, may still be among the outputs that are expected.
    return _replayed(sides, calls, [_Call(batch, expected, calls[0].onnx)], "given")


def replay_made_up(sides: Sides, wanted: Sequence[Wanted], seconds: float) -> Replayed:
    """Inputs made up to fit, for `seconds` at most but for the first that run.

    Raises SampleNeeded if the original takes none of them, ConversionFailed if the ONNX model refuses what it takes.
    """
    until = time.monotonic() + seconds
    made = MadeUp(wanted, {one.name: list(one.shape or ()) for one in sides.inputs})
    calls, size, row_seconds = _first_calls(sides, made)
    rows = _rows(made.row_elements(size), calls[0], row_seconds, seconds / 8)
    odd: list[_Call] = []
    for batch in made.batches(rows, size):
        call = _call(sides, batch)[0] if time.monotonic() < until else None
        if call:
            (calls if batch.plausible else odd).append(call)
    return _with_odd(_replayed(sides, calls, [], "generated"), sides, odd)


def _first_calls(sides: Sides, made: MadeUp) -> tuple[list[_Call], int, float]:
    """Two rows in each of the first sizes that the original takes; the first of these, and the seconds of a row."""
    calls: list[_Call] = []
    found, row_seconds, words = 0, 0.0, "it wants no inputs"
    for rows in _TRIED_ROWS:
        for size in made.sizes:
            start = time.monotonic()
            call, words = _call(sides, made.random(rows, size))
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
    """Each output that all calls have on both sides."""
    for output in sides.outputs:
        name = output.name
        if all(name in call.original and name in call.onnx for call in calls):
            pairs = [compared(call.original[name], call.onnx[name], call.batch.rows) for call in calls]
            yield name, judge(name, output.type, pairs)


def _replayed(
    sides: Sides, calls: Sequence[_Call], expected: Sequence[_Call], samples: Literal["given", "generated"]
) -> Replayed:
    """The outputs judged, ties forgiven; beside what was expected, the worse of the two counts."""
    judged, notes = forgiving(dict(_judged(sides, calls)))
    examples = examples_of(judged, _answers(calls))
    if expected:
        beside, more = forgiving(dict(_judged(sides, expected)))
        notes += more
        examples = examples or examples_of(beside, _answers(expected))
        judged |= {name: one for name, one in beside.items() if name not in judged or judged[name].difference.within}
    if not judged:
        raise ConversionFailed("the original answers none of the ONNX model's outputs: nothing can be compared")
    notes += [f"{shown(name)}: {one.misfit}" for name, one in judged.items() if one.misfit]
    differences = tuple(one.difference for one in judged.values())
    replay = Replay(samples, sum(call.batch.rows for call in calls), differences, bool(expected))
    return Replayed(replay, examples, notes)


def _answers(calls: Sequence[_Call]) -> list[Answers]:
    return [(call.batch, call.original, call.onnx) for call in calls]


def _with_odd(replayed: Replayed, sides: Sides, odd: Sequence[_Call]) -> Replayed:
    """Told and not judged: no one knows that the model is ever sent such inputs."""
    judged = forgiving(dict(_judged(sides, odd)))[0] if odd else {}
    told = [f"{odd[0].batch.kind}: {_told(name, one)}" for name, one in judged.items() if not one.difference.within]
    return replace(replayed, notes=[*replayed.notes, *told])


def _told(name: str, judged: Judged) -> str:
    difference = judged.difference
    if difference.largest_absolute is None:
        return f"{shown(name)} agrees in {difference.agreement or 0:.0%} of the rows only"
    return f"{shown(name)} differs by up to {difference.largest_absolute:.3g}"
