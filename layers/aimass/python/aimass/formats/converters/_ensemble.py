"""Decision trees as the attributes of ONNX's operator (onnx/docs/Operators-ml.md, TreeEnsembleRegressor).

Written here and not by onnxmltools, whose converters answer wrongly and without an error for several objectives, for
forests and for DART, and round thresholds so that values beside them take the other branch.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

#: Beyond it a threshold parts what is missing from all else.
LARGEST = 1e30
_MOST_NEAR = 64  # thresholds of a feature that a replay goes through


@dataclass
class Ensemble:
    """Trees that add up. `columns` is how many features there are, `targets` how many sums. `cut` says how a category
    becomes a whole number. With `exact` features and thresholds are doubles.

    Nodes are added by `split`, `among` and `leaf`; the identifiers of a tree's nodes are its own, the root's is the
    least.
    """

    columns: int
    targets: int = 1
    base: Sequence[float] = ()
    cut: Literal["down", "toward zero"] = "down"
    exact: bool = False
    categorical: set[int] = field(default_factory=set)
    _nodes: list[tuple[int, int, int, str, float, int, int, int]] = field(default_factory=list)
    _leaves: list[tuple[int, int, int, float]] = field(default_factory=list)
    _values: dict[int, set[float]] = field(default_factory=lambda: defaultdict(set))

    def split(
        self, tree: int, node: int, feature: int, mode: str, value: float, yes: int, no: int, *, missing_yes: bool
    ) -> None:
        """`mode` is BRANCH_LT or BRANCH_LEQ. NaN goes the way of `missing_yes`."""
        self._values[feature].add(value)
        if mode == "BRANCH_LT" and not self.exact:
            value = float(np.float32(value))  # a file may have its decimals
        self._nodes.append((tree, node, feature, mode, value, yes, no, int(missing_yes)))

    def among(
        self, tree: int, nodes: Sequence[int], feature: int, values: Sequence[int], yes: int, no: int, *, missing: bool
    ) -> None:
        """A category that is among `values`, one at least, goes `yes`; `nodes` has an identifier for each of them."""
        self.categorical.add(feature)
        self._values[feature].update(map(float, values))
        for index, value in enumerate(values):
            other = nodes[index + 1] if index + 1 < len(values) else no
            self._nodes.append((tree, nodes[index], feature, "BRANCH_EQ", float(value), yes, other, int(missing)))

    def leaf(self, tree: int, node: int, target: int, value: float) -> None:
        """Adds `value` to the sum `target`, and may be called again for another."""
        if not self._leaves or self._leaves[-1][:2] != (tree, node):
            self._nodes.append((tree, node, 0, "LEAF", 0.0, 0, 0, 0))
        self._leaves.append((tree, node, target, value))

    def splits(self) -> Mapping[tuple[int, str], Sequence[int]]:
        """By feature and mode, the places of nodes that have a threshold."""
        found: dict[tuple[int, str], list[int]] = defaultdict(list)
        for place, (_, _, feature, mode, *_) in enumerate(self._nodes):
            if mode in ("BRANCH_LT", "BRANCH_LEQ"):
                found[feature, mode].append(place)
        return found

    def thresholds(self, places: Sequence[int]) -> np.ndarray:
        """Those of the nodes at these places."""
        return np.array([self._nodes[place][4] for place in places], np.float64)

    def move(self, places: Sequence[int], values: Iterable[float]) -> None:
        """Puts other values in the place of `thresholds`."""
        for place, value in zip(places, values, strict=True):
            self._nodes[place] = (*self._nodes[place][:4], float(value), *self._nodes[place][5:])

    def _rounded(self, mode: str, value: float) -> float:
        return below(value) if mode == "BRANCH_LEQ" and not self.exact else float(value)

    @property
    def near(self) -> Mapping[int, Sequence[float]]:
        """Values at which it decides, by column, and none; an even choice where there are many."""
        return {column: [*_some(sorted(values)), math.nan] for column, values in sorted(self._values.items())}

    @property
    def span(self) -> tuple[float, float]:
        """From below the least threshold to above the greatest, by a tenth of what lies between them."""
        values = [value for column in self._values.values() for value in column if abs(value) < LARGEST]
        low, high = min(values, default=0.0), max(values, default=1.0)
        margin = (high - low) / 10 or max(abs(high), 1.0)
        return low - margin, high + margin

    def attributes(self) -> dict[str, Any]:
        """The operator's, nodes in the order of their trees."""
        rounded = [(*node[:4], self._rounded(node[3], node[4]), *node[5:]) for node in sorted(self._nodes)]
        nodes, leaves = zip(*rounded, strict=True), zip(*sorted(self._leaves), strict=True)
        names = ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")
        ways = "missing_value_tracks_true"
        found = {f"nodes_{name}": list(column) for name, column in zip((*names, ways), nodes, strict=True)}
        parts = zip(("treeids", "nodeids", "ids", "weights"), leaves, strict=True)
        found |= {f"target_{name}": list(column) for name, column in parts}
        if len(self.base):
            found["base_values"] = [float(value) for value in self.base]
        if self.exact:
            _as_tensors(found)
        return {**found, "n_targets": self.targets}


def category_notes(columns: Iterable[int], library: str) -> Iterator[str]:
    """For columns that are categories, and whose names the file doesn't have."""
    if shown := ", ".join(map(str, sorted(columns)[:20])):
        yield f"the columns {shown} are categories, sent as the whole numbers that {library} has for them"


def _as_tensors(attributes: dict[str, Any]) -> None:
    """Numbers that an attribute would hold as floats."""
    from onnx import numpy_helper

    for name in ("nodes_values", "target_weights", "base_values"):
        if name in attributes:
            attributes[f"{name}_as_tensor"] = numpy_helper.from_array(np.array(attributes.pop(name), np.float64), name)


def below(value: float) -> float:
    """The greatest float32 that is not above `value`: a float32 is `<= value` where it is `<=` that."""
    rounded = np.float32(value)
    return float(rounded if float(rounded) <= value else np.nextafter(rounded, np.float32(-np.inf)))


def _some(values: list[float]) -> list[float]:
    step = max(1, -(-len(values) // _MOST_NEAR))
    return values[::step]
