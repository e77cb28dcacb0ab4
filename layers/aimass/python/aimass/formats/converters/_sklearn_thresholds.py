"""Thresholds behind scalers, moved so that a number in single precision goes the way of the double that it stands for.

A threshold is a scaled number of the training's, or lies between two. Scaled after it was rounded, 0.57 is a little
less or more than that, and a fifth of all rows of numbers with two decimals took another branch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from aimass.formats.converters._ensemble import Ensemble
from aimass.formats.converters._sklearn_scalers import Array, Step, greatest, of_column, scaled, stands_for

_ARITHMETIC = ("Sub", "Div", "Mul", "Add", "Max", "Min")
_PASSING = ("Identity", "Imputer")
_FEW_DIGITS = 6  # few floats have no more, but for those that stand for just that


def move_thresholds(ensemble: Ensemble, scope: Any, container: Any, given: str, *, single: bool, kept: bool) -> None:
    """Of columns that are inputs, or inputs behind nothing but scalers and imputers; others stay.

    `given` is the table that the nodes written so far give the trees. The original rounds it to single precision
    itself if `single`. Where the float at a threshold stands for a double of few digits, it goes that double's way.
    Another goes the threshold's if thresholds are `kept`, numbers of the training's, and else stays as it is.
    """
    graph = _Graph(scope, container)
    for (column, mode), places in ensemble.splits().items():
        steps = graph.steps(given, column)
        # Nothing is lost where the original takes the rounded number itself.
        if steps is not None and (kept or any(kind != "Cast" for kind, _ in steps)):
            values, strict = ensemble.thresholds(places), mode == "BRANCH_LT"
            ensemble.move(places, _moved(values, steps, single=single, kept=kept, strict=strict))


def deciding(thresholds: Array, steps: list[Step], *, single: bool, kept: bool) -> Array:
    """Numbers before the steps at which trees of such thresholds decide, as whoever has doubles would write them."""
    return _meant(greatest(thresholds, steps, single=single), kept=kept)


def _meant(last: Array, *, kept: bool) -> Array:
    """The doubles that the singles nearest to these stand for: one of few digits, else these if `kept`, or none."""
    with np.errstate(over="ignore"):
        singles = last.astype(np.float32)
    return np.where(_digits(singles) > _FEW_DIGITS, last if kept else singles, stands_for(singles))


def _moved(values: Array, steps: list[Step], *, single: bool, kept: bool, strict: bool) -> Array:
    plain = [step for step in steps if step[0] != "Cast"]
    exact = greatest(values, plain, single=single, strict=strict)
    meant = scaled(_meant(exact, kept=kept), plain, single=single)
    with np.errstate(over="ignore"):
        last = exact.astype(np.float32)
    stays = (_digits(last) > _FEW_DIGITS) & (not kept)
    last = np.where(meant < values if strict else meant <= values, last, np.nextafter(last, np.float32(-np.inf)))
    after = np.nextafter(last, np.float32(np.inf))
    most, least = (scaled(one.astype(np.float64), steps) for one in (last, after))
    # Where scaled they are one, no threshold parts them: that of fewer digits goes its way, or all as they did.
    one = most == least
    stays |= one & (not kept)
    fewer = one & (_digits(after) < _digits(last))
    most = np.where(fewer, np.nextafter(most.astype(np.float32), np.float32(-np.inf)), most)
    if strict:
        most = np.nextafter(most.astype(np.float32), np.float32(np.inf)).astype(np.float64)
    return np.where(~stays & np.isfinite(last) & np.isfinite(after) & np.isfinite(most), most, values)


def _digits(values: Array) -> Array:
    """How many digits each is told from its neighbours by."""
    return np.array([len(str(value).partition("e")[0].strip("-0.").replace(".", "")) for value in values])


class _Graph:
    """What was written so far, from its end."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._widths = {name: one.type.shape for name, one in scope.variables.items()}
        self._from = {output: node for node in container.nodes for output in node.output}
        self._values = {one.name: one for one in container.initializers}

    def steps(self, name: str, column: int) -> list[Step] | None:
        """From an input to a column of what is called so; None where something else lies between."""
        node = self._from.get(name)
        if node is None:
            return None if name in self._values else []
        if node.op_type == "Concat":
            part = self._part(node, column)
            return self.steps(*part) if part else None
        if node.op_type == "ArrayFeatureExtractor":
            places = self._constant(node.input[1])
            return None if places is None else self.steps(node.input[0], int(places[column]))
        before = self.steps(node.input[0], column)
        if before is None or node.op_type in _PASSING:
            return before
        done = self._done(node, column)
        return None if done is None else [*before, *done]

    def _done(self, node: Any, column: int) -> list[Step] | None:
        from onnx import TensorProto

        if node.op_type == "Cast":
            to = next(one.i for one in node.attribute if one.name == "to")
            known: dict[int, list[Step]] = {TensorProto.FLOAT: [("Cast", None)], TensorProto.DOUBLE: []}
            return known.get(to)
        values = self._constant(node.input[1]) if node.op_type in _ARITHMETIC else None
        return None if values is None else of_column([(node.op_type, values)], column)

    def _part(self, node: Any, column: int) -> tuple[str, int] | None:
        """The piece that has the column, and its place there."""
        for name, width in self._pieces(node):
            if width is None:
                return None
            if column < width:
                return name, column
            column -= width
        return None

    def _pieces(self, node: Any) -> Iterator[tuple[str, int | None]]:
        for name in node.input:
            shape = self._widths.get(name, ())
            width = shape[1] if len(shape) == 2 else None
            yield name, width if isinstance(width, int) and width > 0 else None

    def _constant(self, name: str) -> Array | None:
        """skl2onnx writes a value that it has written before as the identity of that."""
        from onnx import numpy_helper

        node = self._from.get(name)
        if node is not None and node.op_type == "Identity":
            return self._constant(node.input[0])
        return np.ravel(numpy_helper.to_array(self._values[name])) if name in self._values else None
