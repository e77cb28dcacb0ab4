"""Inputs made up for a model that came without a sample: the first that run."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.domain.datatypes import FLOATS, MapType, OnnxType, SequenceType, TensorType, parse_type
from aimass.domain.errors import SampleNeeded
from aimass.formats.member import shown
from aimass.inference.onnxruntime.words import reason
from aimass.inference.tensors import numpy_dtype
from aimass.sandbox.tasks.attempts import Attempt, Shape, attempts, numbers_in, sized
from aimass.sandbox.tasks.refusals import raise_for_memory
from aimass.sandbox.tasks.session import Feed

_MOST_HINTS = 12
_MOST_ELEMENTS = 1 << 26


@dataclass(frozen=True)
class _Fill:
    """What a tensor is made of. 0 and 1 are indices that most tables have; without a `number`, floats are random."""

    whole: int
    text: str
    number: float | None = None


_FILLS = (_Fill(1, "a"), _Fill(0, "1"), _Fill(1, "a", 1.0))


def first_that_runs(
    inputs: Sequence[Any],
    call: Callable[[Feed], Sequence[Any]],
    seconds: float,
    last_resort: Callable[[], Iterable[int]],
) -> tuple[Feed, Sequence[Any]]:
    """Inputs that the model takes, and what it answers to them. Each call is bounded by `call` itself.

    `last_resort` gives sizes to try when nothing usual fits. Raises SampleNeeded with the runtime's last words when
    none is found within `seconds`, MemoryError if one asks for more memory than there is.
    """
    deadline = time.monotonic() + seconds
    words = "no value of its input types can be made up"
    guesses = _Guesses([list(value.shape or ()) for value in inputs], last_resort)
    for shapes in guesses:
        for fill in _FILLS:
            try:
                feed = {
                    value.name: _value(parse_type(value.type), shape, fill)
                    for value, shape in zip(inputs, shapes, strict=True)
                }
                return feed, call(feed)
            except Exception as error:
                raise_for_memory(str(error))
                words = reason(str(error))
        guesses.hint(words)
        if time.monotonic() > deadline:
            break
    raise SampleNeeded(
        "none of the inputs made up for the model runs; upload it with a sample input. "
        f"The runtime's last words: {words}",
        inputs=[shown(value.name) for value in inputs],
    )


class _Guesses:
    """Shapes for all inputs, none twice; hints go first."""

    def __init__(self, declared: list[list[Any]], last_resort: Callable[[], Iterable[int]]) -> None:
        self._declared = declared
        self._last_resort = last_resort
        self._hints: deque[Attempt] = deque()
        self._hinted: set[int] = set()

    def _attempts(self) -> Iterator[Attempt]:
        for attempt in attempts():
            while self._hints:
                yield self._hints.popleft()
            yield attempt
        yield from sized(self._last_resort())

    def __iter__(self) -> Iterator[tuple[Shape, ...]]:
        seen = set()
        for attempt in self._attempts():
            shapes = attempt.shapes(self._declared)
            if shapes not in seen and all(np.prod(shape, dtype=float) <= _MOST_ELEMENTS for shape in shapes):
                seen.add(shapes)
                yield shapes

    def hint(self, words: str) -> None:
        """Tries next what the runtime's complaint suggests."""
        if len(self._hinted) <= _MOST_HINTS:
            sizes = sorted(numbers_in(words) - self._hinted)
            self._hinted.update(sizes)
            self._hints.extend(sized(sizes))


def _value(kind: OnnxType, shape: Shape, fill: _Fill) -> Any:
    if isinstance(kind, TensorType):
        return _tensor(kind.datatype, shape, fill)
    if isinstance(kind, MapType):
        value = _value(kind.value, (), fill)
        return {
            fill.text if kind.key == "string" else fill.whole: value.item()
            if isinstance(kind.value, TensorType)
            else value
        }
    value = _value(kind.element, shape, fill)
    return [value] if isinstance(kind, SequenceType) else value


def _tensor(datatype: str, shape: Shape, fill: _Fill) -> Any:
    dtype = numpy_dtype(datatype)
    if datatype in FLOATS and fill.number is None:
        return np.asarray(np.random.default_rng(0).random(shape)).astype(dtype)
    return np.full(shape, {"BYTES": fill.text, "BOOL": True}.get(datatype, fill.number or fill.whole), dtype)
