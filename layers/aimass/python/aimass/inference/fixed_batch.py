"""Models of a fixed batch: a larger batch goes through in several runs, whose answers are joined."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aimass.domain.datatypes import is_tensor
from aimass.domain.errors import InvalidArguments, PayloadTooLarge, PredictionFailed
from aimass.domain.model import Variant, Version
from aimass.inference.dataplane import Value
from aimass.inference.tensors import Array, bad_input, check_rest, check_shape, fits

Feed = Mapping[str, Value]

_LEAST_MS = 0.02  # of a run, whatever it computes
_JOINED_AT_ONCE = 1024  # so that a million small answers are not a million arrays


@dataclass(frozen=True)
class Runs:
    """What to run, one after the other: `count` feeds, each made when its turn comes.

    `size` is the rows of each, `rows` how many of the joined answers are the caller's; 0 where there is one run.
    """

    count: int
    feed: Callable[[int], Feed]
    size: int = 0
    rows: int = 0

    @property
    def feeds(self) -> Iterator[Feed]:
        """All of them, in order."""
        return map(self.feed, range(self.count))

    def join(self, answers: Iterable[list[Value]]) -> list[Value]:
        """The answer of the whole: each output's rows, in order, without those that only filled the last batch up.

        Raises PredictionFailed where they cannot be joined.
        """
        parts = iter(answers)
        if not self.size:
            return next(parts)
        joined: list[list[Value]] = []
        while some := list(itertools.islice(parts, _JOINED_AT_ONCE)):
            if any(len(value) != self.size for answer in some for value in answer):
                raise PredictionFailed(f"a batch of {self.size} rows was not answered with as many; send {self.size}")
            joined.append(_concatenated(some))
        return [value[: self.rows] for value in _concatenated(joined)]


def _concatenated(answers: Sequence[list[Value]]) -> list[Value]:
    try:
        return [
            list(itertools.chain.from_iterable(parts)) if isinstance(parts[0], list) else np.concatenate(parts)
            for parts in zip(*answers, strict=True)
        ]
    except ValueError as error:
        raise PredictionFailed(f"the batches' answers differ in shape; send one batch a call: {error}") from None


def batch_of(version: Version) -> int | None:
    """The first dimension that all inputs and outputs have in common, where it is fixed.

    A vector of 3 numbers is no batch of 3: of inputs with one dimension it has to be 1. An output that is a list of
    maps has no dimension; classifiers give one map a row.
    """
    specs = (*version.inputs, *(spec for spec in version.outputs if not spec.onnx_type.startswith("seq(map(")))
    sizes = {spec.shape[0] if is_tensor(spec.onnx_type) and spec.shape else -1 for spec in specs}
    size = sizes.pop() if len(sizes) == 1 else -1
    if size < 1 or (size > 1 and any(len(spec.shape) < 2 for spec in version.inputs)):
        return None
    return size


def runs_of(version: Version, inputs: Feed) -> Runs:
    """The runs that a call takes: one, where its tensors fit. Raises InvalidArguments naming the input."""
    tensors = {spec: inputs[spec.name] for spec in version.inputs if spec.name in inputs and is_tensor(spec.onnx_type)}
    if all(fits(spec.shape, array.shape) for spec, array in tensors.items()):
        return Runs(1, lambda _: inputs)
    size = batch_of(version)
    if size is None:
        for spec, array in tensors.items():
            check_shape(spec, array.shape)
    for spec, array in tensors.items():
        check_rest(spec, array.shape)
    return _split(inputs, size or 1, bool(version.description and version.description.batching))


def _split(arrays: Mapping[str, Array], size: int, fillable: bool) -> Runs:
    rows = _rows(arrays)
    if rows % size and not fillable:
        name = next(iter(arrays))
        raise bad_input(
            name,
            f"wants batches of {size} rows, got {rows}; send a multiple of {size}, or say `batching` in the model "
            "description where rows do not influence each other: the last batch is then filled up",
        )

    def feed(at: int) -> Feed:
        return {name: _batch(one, at, size) for name, one in arrays.items()}

    return Runs(math.ceil(rows / size), feed, size, rows)


def check_time(runs: Runs, variant: Variant, seconds: float) -> None:
    """Raises PayloadTooLarge where so many runs take longer than a call has, as the variant was measured."""
    run_ms = max(variant.measurements.p50_ms, _LEAST_MS)
    most = int(seconds * 1000 / run_ms)
    if runs.count > max(most, 1):
        raise PayloadTooLarge(
            f"{runs.rows} rows are {runs.count} batches of {runs.size} rows, about {runs.count * run_ms / 1000:.3g} s, "
            f"and a call has {max(seconds, 0.0):.3g} s; send at most {max(most, 1) * runs.size} rows a call",
            limit=max(most, 1) * runs.size,
        )


def _rows(arrays: Mapping[str, Array]) -> int:
    rows = {name: len(array) for name, array in arrays.items()}
    if len(set(rows.values())) > 1:
        told = ", ".join(f"{name!r} has {count}" for name, count in rows.items())
        raise InvalidArguments(f"all inputs must have as many rows: {told}", fields=dict.fromkeys(rows, told))
    name, count = next(iter(rows.items()))
    if not count:
        raise bad_input(name, "wants at least one row, got none")
    return count


def _batch(array: Array, at: int, size: int) -> Array:
    """A view of the rows; of a last batch that they do not fill, a copy that repeats the last row."""
    rows = array[at * size : (at + 1) * size]
    missing = size - len(rows)
    return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows
