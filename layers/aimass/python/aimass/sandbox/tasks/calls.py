"""One call of an original and of its ONNX model with the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aimass.domain.errors import ConversionFailed, ImportRefused
from aimass.formats.member import shown
from aimass.inference.onnxruntime.words import reason
from aimass.sandbox.tasks.compared import Array, array_of, pair_of
from aimass.sandbox.tasks.examples import Answers
from aimass.sandbox.tasks.judge import Judged, judge
from aimass.sandbox.tasks.made_up import Batch
from aimass.sandbox.tasks.refusals import raise_for_memory
from aimass.sandbox.tasks.session import Feed

Run = Callable[[Feed], Mapping[str, Any]]


@dataclass(frozen=True)
class Sides:
    """Both models. `inputs` and `outputs` are onnxruntime's descriptions of the ONNX model's; `trees`: it has some.

    `doubles` says that the original takes numbers in double precision, whatever the ONNX model wants.
    """

    original: Run
    onnx: Run
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    trees: bool = False
    doubles: bool = False


@dataclass(frozen=True)
class Call:
    """Both answers to a batch. `left_out` are by output the rows that decide nothing."""

    batch: Batch
    original: Mapping[str, Any]
    onnx: Mapping[str, Any]
    left_out: Mapping[str, Array] = field(default_factory=dict)


def called(sides: Sides, batch: Batch) -> tuple[Call | None, str]:
    """Both answers, or None and why: inputs that the original refuses show nothing, nor do more than memory holds."""
    try:
        original = sides.original(batch.exact)
    except ImportRefused:
        raise
    except Exception as error:
        return None, reason(str(error)) or type(error).__name__
    try:
        return Call(batch, original, answered(sides, batch)), ""
    except MemoryError:
        return None, "MemoryError"
    except ConversionFailed as error:
        if batch.plausible:
            raise
        return None, error.message


def answered(sides: Sides, batch: Batch) -> Mapping[str, Any]:
    """The ONNX model's answer. Raises MemoryError, and ConversionFailed where it refuses the batch."""
    try:
        return sides.onnx(batch.feed)
    except Exception as error:
        raise_for_memory(str(error) or type(error).__name__)
        shapes = {shown(name): list(array_of(value).shape) for name, value in batch.feed.items()}
        text = f"the ONNX model refuses what the original takes ({batch.kind} of the shapes {shapes})"
        raise ConversionFailed(f"{text}: {reason(str(error))}", shapes=str(shapes)) from None


def judged(sides: Sides, calls: Sequence[Call]) -> dict[str, Judged]:
    """Each output that both sides have in any call; one that a side lacks in some is beyond the tolerance there."""
    return dict(_judged(sides, calls))


def _judged(sides: Sides, calls: Sequence[Call]) -> Iterator[tuple[str, Judged]]:
    for output in sides.outputs:
        name = output.name
        if any(name in call.original and name in call.onnx for call in calls):
            pairs = [pair_of(name, call.original, call.onnx, call.batch.rows) for call in calls]
            masks = [call.left_out.get(name) for call in calls]
            if not all(mask is not None and mask.all() for mask in masks):
                yield name, judge(name, output.type, pairs, masks)


def answers_of(calls: Sequence[Call]) -> list[Answers]:
    """As examples are made of them."""
    return [(call.batch, call.original, call.onnx) for call in calls]
