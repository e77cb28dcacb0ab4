"""TreeEnsembleClassifier and TreeEnsembleRegressor as arrays: one entry for each node, one for each leaf's weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from aimass.compression.contract import NotApplicable

OPERATORS = {"TreeEnsembleClassifier": "class", "TreeEnsembleRegressor": "target"}
#: What may be written as a tensor, in double precision or not, in the place of a list of floats.
AS_TENSOR = "_as_tensor"
_WHOLE = ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids")
LEAF = b"LEAF"


@dataclass
class Ensemble:
    """`nodes` by attribute name without `nodes_`; `leaves` by tree and node, as (target, weight) in their order.

    Thresholds and weights have the type that the runtime compares and adds in.
    """

    node: Any
    nodes: dict[str, Any]
    leaves: dict[tuple[int, int], list[tuple[int, Any]]]
    index: dict[tuple[int, int], int]

    @property
    def prefix(self) -> str:
        return OPERATORS[self.node.op_type]

    def attribute(self, name: str, otherwise: Any = None) -> Any:
        """Of an attribute that may be a tensor, the numbers, whichever way it is written."""
        found = [one for one in self.node.attribute if one.name in (name, name + AS_TENSOR)]
        if not found:
            return otherwise
        value = helper.get_attribute_value(found[0])
        return value if found[0].name == name else numpy_helper.to_array(value).tolist()

    def key(self, at: int) -> tuple[int, int]:
        return int(self.nodes["treeids"][at]), int(self.nodes["nodeids"][at])

    def child(self, at: int, side: str) -> int:
        """Raises NotApplicable for a child that is not there."""
        key = int(self.nodes["treeids"][at]), int(self.nodes[f"{side}nodeids"][at])
        if key not in self.index:
            raise NotApplicable("a tree has a branch to a node that is not there")
        return self.index[key]

    def roots(self) -> dict[int, int]:
        """The first node of each tree, in order."""
        found: dict[int, int] = {}
        for at, tree in enumerate(self.nodes["treeids"].tolist()):
            found.setdefault(tree, at)
        return found

    def walk(self, root: int) -> list[int]:
        """Nodes from the root on, parents first. Raises NotApplicable where a node is reached twice."""
        order, waiting, seen = [], [root], set()
        while waiting:
            at = waiting.pop()
            if at in seen:
                raise NotApplicable("a tree reaches a node twice")
            seen.add(at)
            order.append(at)
            if self.nodes["modes"][at] != LEAF:
                waiting += [self.child(at, "false"), self.child(at, "true")]
        return order


def read(node: Any) -> Ensemble:
    """Raises NotApplicable for an ensemble that is not written as lists of one length."""
    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    nodes: dict[str, Any] = {name: np.array(attributes.get(f"nodes_{name}", ()), np.int64) for name in _WHOLE}
    nodes["modes"] = np.array(attributes.get("nodes_modes", ()), object)
    nodes["values"] = _numbers(attributes, "nodes_values")
    count = len(nodes["treeids"])
    nodes["missing_value_tracks_true"] = _or_zeros(attributes.get("nodes_missing_value_tracks_true"), count)
    prefix = OPERATORS[node.op_type]
    parts = [attributes.get(f"{prefix}_{name}", ()) for name in ("treeids", "nodeids", "ids")]
    parts.append(_numbers(attributes, f"{prefix}_weights"))
    if not count or any(len(array) != count for array in nodes.values()) or len({len(part) for part in parts}) > 1:
        raise NotApplicable("the trees' lists differ in length")
    keys = list(zip(nodes["treeids"].tolist(), nodes["nodeids"].tolist(), strict=True))
    index = {key: at for at, key in enumerate(keys)}
    if len(index) < count:
        raise NotApplicable("a tree has two nodes of one number")
    leaves: dict[tuple[int, int], list[tuple[int, Any]]] = {}
    for tree, number, target, weight in zip(*parts, strict=True):
        leaves.setdefault((tree, number), []).append((target, weight))
    return Ensemble(node, nodes, leaves, index)


def _numbers(attributes: Mapping[str, Any], name: str) -> Any:
    tensor = attributes.get(name + AS_TENSOR)
    return np.array(attributes.get(name, ()), np.float32) if tensor is None else numpy_helper.to_array(tensor).copy()


def _or_zeros(given: Any, count: int) -> Any:
    return np.array(given, np.int64) if given else np.zeros(count, np.int64)


def write(ensemble: Ensemble, kept: list[int]) -> None:
    """Puts the kept nodes, and what their leaves weigh, into the operator; what is optional and says nothing, not.

    Nodes are numbered anew in each tree: the runtime takes no number above the count of nodes.
    """
    node, prefix = ensemble.node, ensemble.prefix
    numbers = _numbered(ensemble, kept)
    made: dict[str, Any] = {f"nodes_{name}": array[kept].tolist() for name, array in ensemble.nodes.items()}
    for name in ("nodeids", "truenodeids", "falsenodeids"):
        pairs = zip(made["nodes_treeids"], made[f"nodes_{name}"], strict=True)
        made[f"nodes_{name}"] = [numbers.get(pair, 0) for pair in pairs]
    if not any(made["nodes_missing_value_tracks_true"]):
        del made["nodes_missing_value_tracks_true"]
    entries = [
        (key[0], numbers[key], target, float(weight))
        for key in map(ensemble.key, kept)
        for target, weight in ensemble.leaves.get(key, ())
    ]
    for at, name in enumerate(("treeids", "nodeids", "ids", "weights")):
        made[f"{prefix}_{name}"] = [entry[at] for entry in entries]
    _as_before(node, made)
    # How often a node was passed in training is read by nothing.
    replaced = made.keys() | {"nodes_hitrates", f"nodes_hitrates{AS_TENSOR}", "nodes_missing_value_tracks_true"}
    others = [one for one in node.attribute if one.name not in replaced]
    attributes = sorted([*others, *(helper.make_attribute(*pair) for pair in made.items())], key=lambda one: one.name)
    del node.attribute[:]
    node.attribute.extend(attributes)


def _as_before(node: Any, made: dict[str, Any]) -> None:
    """Writes numbers as a tensor where they were one."""
    tensors = {one.name: one.t.data_type for one in node.attribute if one.name.endswith(AS_TENSOR)}
    for name in [name for name in made if name + AS_TENSOR in tensors]:
        kind = helper.tensor_dtype_to_np_dtype(tensors[name + AS_TENSOR])
        made[name + AS_TENSOR] = numpy_helper.from_array(np.array(made.pop(name), kind), name)


def _numbered(ensemble: Ensemble, kept: list[int]) -> dict[tuple[int, int], int]:
    counts: dict[int, int] = {}
    numbers = {}
    for key in map(ensemble.key, kept):
        numbers[key] = counts[key[0]] = counts.get(key[0], -1) + 1
    return numbers
