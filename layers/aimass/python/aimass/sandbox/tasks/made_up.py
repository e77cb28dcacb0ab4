"""Inputs made up for a replay: what a model may be sent, and where it changes its mind."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.formats.converter import Wanted
from aimass.sandbox.tasks.made_up_values import Fill, by_column, filled, flat_near
from aimass.sandbox.tasks.session import Feed

#: Lengths and sides to try for dimensions beside the first, until three of them run.
SIZES = (16, 1, 3, 32, 224, 512)
DECIDING = "values at which the model decides, and next to them"
_SEED = 20
_FIRST = "the first dimension"


@dataclass(frozen=True)
class Batch:
    """Inputs of one call. `kind` says in words what they are.

    What is not `plausible`, such as texts in letters that the model never saw, is run and told, and decides nothing.
    `unrounded` is what the original is given in place of `feed`, where that holds numbers rounded for the ONNX model.
    """

    kind: str
    feed: Feed
    rows: int
    plausible: bool = True
    unrounded: Feed | None = None

    @property
    def exact(self) -> Feed:
        """The inputs as the original is given them."""
        return self.feed if self.unrounded is None else self.unrounded


@dataclass(frozen=True)
class Sweep:
    """How many of the values at which the model decides are tried, and in batches of how many rows."""

    values: int
    rows: int


class MadeUp:
    """Batches for inputs as the original wants them and as the ONNX model declares them.

    `declared` are onnxruntime's shapes by input: a size, a symbol or None for each dimension. A size there is binding;
    what is variable in both is tried in several sizes, the same for the same symbol.
    """

    def __init__(self, wanted: Sequence[Wanted], declared: Mapping[str, Sequence[Any]]) -> None:
        self._wanted = wanted
        self._shapes = {one.name: _dimensions(one, declared.get(one.name) or ()) for one in wanted}
        symbols = {dims[0] for dims in self._shapes.values() if dims and isinstance(dims[0], str)}
        self._rows_symbols = symbols | {_FIRST}
        self._random = np.random.default_rng(_SEED)

    @property
    def batched(self) -> bool:
        """Whether one call takes any number of rows."""
        return any(dims and isinstance(dims[0], str) for dims in self._shapes.values())

    @property
    def sizes(self) -> Sequence[int]:
        """What other variable dimensions are tried with."""
        other = (dim for dims in self._shapes.values() for dim in dims if dim not in self._rows_symbols)
        return SIZES if any(isinstance(dim, str) for dim in other) else SIZES[:1]

    def row_elements(self, size: int) -> int:
        """Values in one row of all inputs."""
        return sum(math.prod(self._shape(one, 1, size)) for one in self._wanted)

    def random(self, rows: int, size: int, kind: str = "random values") -> Batch:
        """Values from everywhere in their range, one in three at which the model decides."""
        return self._batch(kind, rows, size, "random")

    @property
    def deciding(self) -> int:
        """How many values there are at which the model decides, with the neighbours of each."""
        return sum(sum(1 for _ in flat_near(one)) for one in self._wanted if one.shape)

    def batches(self, rows: int, size: int, sweep: Sweep) -> Iterator[Batch]:
        """All that a model is tried with, `rows` at a time where it takes them; what may be many comes last."""
        yield self.random(rows, size)
        if any(one.dtype.startswith(("float", "bfloat")) for one in self._wanted):
            yield self._batch("zeros", min(rows, 2), size, "zeros")
            yield self._batch("the ends of the range", min(rows, 16), size, "ends")
        if any(one.dtype == "str" for one in self._wanted):
            yield self._batch("several words in one text", min(rows, 32), size, "phrases")
            yield self._batch("unusual texts", min(rows, 32), size, "unusual", plausible=False)
        if self.batched:
            yield self.random(1, size, "a single row")
        else:
            yield from (self.random(1, size) for _ in range(rows))
        near = [(one.name, column, value) for one in self._wanted if one.shape for column, value in flat_near(one)]
        if near:
            yield from self._sweeps(near, sweep, size)

    def _sweeps(self, near: Sequence[tuple[str, int, Any]], sweep: Sweep, size: int) -> Iterator[Batch]:
        """Rows with one column each at a value where the model decides, or next to it; all of them if they are few."""
        order = self._random.permutation(len(near))[: sweep.values]
        step = sweep.rows if self.batched else 1
        for start in range(0, len(order), step):
            batch = self.random(min(step, len(order) - start), size, DECIDING)
            for row, index in enumerate(order[start : start + step]):
                name, column, value = near[index]
                by_column(batch.feed[name])[row % len(batch.feed[name]), column] = value
            yield batch

    def _batch(self, kind: str, rows: int, size: int, fill: Fill, *, plausible: bool = True) -> Batch:
        feed = {one.name: filled(one, self._shape(one, rows, size), fill, self._random) for one in self._wanted}
        return Batch(kind, feed, rows if self.batched else 1, plausible)

    def _shape(self, one: Wanted, rows: int, size: int) -> tuple[int, ...]:
        dims = self._shapes[one.name]
        return tuple(dim if isinstance(dim, int) else rows if dim in self._rows_symbols else size for dim in dims)


def _dimensions(one: Wanted, declared: Sequence[Any]) -> tuple[int | str, ...]:
    """A size where either has one, else the symbol that the runtime knows it by."""
    names = [*declared] if len(declared) == len(one.shape) else [None] * len(one.shape)
    return tuple(_dimension(index, want, name) for index, (want, name) in enumerate(zip(one.shape, names, strict=True)))


def _dimension(index: int, want: int, name: Any) -> int | str:
    if isinstance(name, int) and name >= 0:
        return name
    if want >= 0:
        return want
    return (name if isinstance(name, str) and name else None) or (_FIRST if index == 0 else f"dimension {index}")
