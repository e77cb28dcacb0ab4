"""Models of a fixed batch: a larger batch goes through in several runs, whose answers are joined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aimass.domain.datatypes import is_tensor
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import Version
from aimass.inference.dataplane import Value
from aimass.inference.tensors import Array, bad_input, check_rest, check_shape, fits

Feed = Mapping[str, Value]


@dataclass(frozen=True)
class Runs:
    """What to run, one after the other. `rows` is how many rows of the joined answers are the caller's."""

    feeds: tuple[Feed, ...]
    rows: int | None = None

    def join(self, answers: Sequence[list[Value]]) -> list[Value]:
        """The answer of the whole: each output's rows, in order, without those that only filled the last batch up."""
        if self.rows is None:
            return answers[0]
        return [np.concatenate(parts)[: self.rows] for parts in zip(*answers, strict=True)]


def batch_of(version: Version) -> int | None:
    """The first dimension that all inputs and outputs have in common, where it is fixed.

    A vector of 3 numbers is no batch of 3: of inputs with one dimension it has to be 1.
    """
    specs = (*version.inputs, *version.outputs)
    sizes = {spec.shape[0] if is_tensor(spec.onnx_type) and spec.shape else -1 for spec in specs}
    size = sizes.pop() if len(sizes) == 1 else -1
    if size < 1 or (size > 1 and any(len(spec.shape) < 2 for spec in version.inputs)):
        return None
    return size


def runs_of(version: Version, inputs: Feed) -> Runs:
    """The runs that a call takes: one, where its tensors fit. Raises InvalidArguments naming the input."""
    tensors = {spec: inputs[spec.name] for spec in version.inputs if spec.name in inputs and is_tensor(spec.onnx_type)}
    if all(fits(spec.shape, array.shape) for spec, array in tensors.items()):
        return Runs((inputs,))
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
    count = math.ceil(rows / size)
    return Runs(tuple({name: _batch(one, at, size) for name, one in arrays.items()} for at in range(count)), rows)


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
