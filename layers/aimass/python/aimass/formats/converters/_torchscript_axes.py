"""Which dimensions of a program's inputs are variable, by trying, and what becomes of its outputs then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Axes = dict[str, dict[int, str]]


@dataclass(frozen=True)
class Variable:
    """Names of variable dimensions, of inputs and outputs, and inputs that have them otherwise than the example."""

    axes: Axes
    tried: tuple[list[Any], ...]

    def of(self, name: str) -> dict[int, str]:
        return self.axes.get(name, {})


def variable_axes(
    call: Callable[[list[Any]], list[Any]], example: list[Any], inputs: Sequence[str], outputs: Sequence[str]
) -> Iterator[Variable]:
    """All dimensions that can be one longer, then the first ones alone, then none.

    Dimensions of the same size are one, as the tokens and their mask are.
    """
    base = call(example)
    found = [one for group in _groups(example) if (one := _tried(call, example, base, group, inputs, outputs))]
    first = [one for one in found if any(0 in names for names in one.axes.values())]
    for kept in (found, first, []):
        axes: Axes = {}
        for one in kept:
            for name, named in one.axes.items():
                axes.setdefault(name, {}).update(
                    {axis: word for axis, word in named.items() if axis not in axes.get(name, {})}
                )
        yield Variable(axes, tuple(feed for one in kept for feed in one.tried))


def _groups(example: list[Any]) -> Iterator[list[tuple[int, int]]]:
    """Inputs and axes that grow together."""
    if rows := [(index, 0) for index, tensor in enumerate(example) if tensor.dim()]:
        yield rows
    by_size: dict[int, list[tuple[int, int]]] = {}
    for index, tensor in enumerate(example):
        for axis in range(1, tensor.dim()):
            by_size.setdefault(tensor.shape[axis], []).append((index, axis))
    for places in by_size.values():
        yield places
        if len(places) > 1:
            yield from ([place] for place in places)


def _tried(
    call: Callable[[list[Any]], list[Any]],
    example: list[Any],
    base: list[Any],
    group: list[tuple[int, int]],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> Variable | None:
    """The names that a group's dimensions get, if calls with a size beside the example's and one far from it both run.

    A picture of 29 pixels may pass for one of 28 where one of 14 does not.
    """
    size = example[group[0][0]].shape[group[0][1]]
    far = size * 2 if group[0][1] == 0 or size < 2 else size // 2
    beside = next(
        (one for near in (size + 1, size - 1) if near and (one := _resized(call, example, group, near))), None
    )
    other = _resized(call, example, group, far)
    if beside is None or other is None or not _alike(beside[1], base) or not _alike(other[1], base):
        return None
    longer, answers = beside
    index, axis = group[0]
    word = "batch" if axis == 0 else f"{inputs[index]}_{axis}"
    grown = longer[index].shape[axis]
    axes: Axes = {}
    for index, axis in group:
        axes.setdefault(inputs[index], {})[axis] = word
    for name, one, was in zip(outputs, answers, base, strict=True):
        for axis, (now, before) in enumerate(zip(one.shape, was.shape, strict=True)):
            if now != before:
                axes.setdefault(name, {})[axis] = word if now == grown else f"{name}_{axis}"
    return Variable(axes, (longer, other[0]))


def _alike(answers: list[Any], base: list[Any]) -> bool:
    same = len(answers) == len(base)
    return same and all(one.dim() == was.dim() for one, was in zip(answers, base, strict=True))


def _resized(
    call: Callable[[list[Any]], list[Any]], example: list[Any], group: list[tuple[int, int]], size: int
) -> tuple[list[Any], list[Any]] | None:
    """The example with this size of a group's dimensions, and what is answered; None where that does not run."""
    import torch

    other = list(example)
    for index, axis in group:
        tensor = other[index]
        times = -(-size // tensor.shape[axis])
        other[index] = torch.cat([tensor] * times, axis).narrow(axis, 0, size).contiguous()
    try:
        return other, call(other)
    except Exception:  # the interpreter raises whatever the code in the file does
        return None
