"""An ensemble in double precision whose features are floats, in floats: they take the same branches."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from aimass.compression.passes._ensemble import AS_TENSOR, Ensemble, read
from aimass.compression.passes._quantizer import captured

#: Towards which side a threshold may go so that every float stays on its own.
_TOWARDS = {b"BRANCH_LEQ": -np.inf, b"BRANCH_GT": -np.inf, b"BRANCH_LT": np.inf, b"BRANCH_GTE": np.inf}
_WHOLE_FLOATS = 2**24  # whole numbers up to it are floats, and so are their sums
_FINEST = 24


def narrow(model: Any, node: Any, *, exact: bool = True) -> bool:
    """Whether it was done. With `exact` only where floats add up to the same sums, in any order."""
    cast = _widening(model, node)
    if cast is None:
        return False
    ensemble = read(node)
    thresholds = _thresholds(ensemble)
    if ensemble.nodes["values"].dtype != np.float64 or thresholds is None or (exact and not _sums_exactly(ensemble)):
        return False
    lists = {name: ensemble.attribute(name) for name in (f"{ensemble.prefix}_weights", "base_values")}
    lists["nodes_values"] = thresholds.tolist()
    others = [one for one in node.attribute if not one.name.endswith(AS_TENSOR) and one.name not in lists]
    made = [helper.make_attribute(name, values) for name, values in lists.items() if values]
    del node.attribute[:]
    node.attribute.extend([*others, *made])
    node.input[0] = cast.input[0]
    _drop_unread(model, cast)
    return True


def _widening(model: Any, node: Any) -> Any:
    """The operator that makes doubles of floats in front of the node, if there is one."""
    found = [one for one in model.graph.node if one.op_type == "Cast" and node.input[0] in one.output]
    if not found or helper.get_attribute_value(found[0].attribute[0]) != TensorProto.DOUBLE:
        return None
    given = found[0].input[0]
    known = [*model.graph.input, *model.graph.value_info]
    if all(value.name != given for value in known):
        known = [*onnx.shape_inference.infer_shapes(model).graph.value_info]
    floats = {value.name for value in known if value.type.tensor_type.elem_type == TensorProto.FLOAT}
    return found[0] if given in floats else None


def _thresholds(ensemble: Ensemble) -> Any:
    """In floats; None where a float that is compared would change sides."""
    exact, modes = ensemble.nodes["values"], ensemble.nodes["modes"]
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float32)
    towards = np.array([_TOWARDS.get(mode, np.nan) for mode in modes], np.float32)
    beyond = np.where(towards < 0, rounded.astype(np.float64) > exact, rounded.astype(np.float64) < exact)
    moved = np.where(beyond, np.nextafter(rounded, towards), rounded)
    fixed = np.isnan(towards) & (modes != b"LEAF")
    return None if np.isnan(exact).any() or (rounded[fixed] != exact[fixed]).any() else moved


def _sums_exactly(ensemble: Ensemble) -> bool:
    """Whether weights are whole multiples of a power of two, and no sum is too large for a float."""
    plain = ensemble.attribute("post_transform", b"NONE") == b"NONE"
    if ensemble.prefix != "target" or not plain or ensemble.attribute("aggregate_function", b"SUM") != b"SUM":
        return False
    base = np.array(ensemble.attribute("base_values", ()), np.float64)
    most: dict[int, float] = {}
    for (tree, _), weights in ensemble.leaves.items():
        # A leaf may name a target twice.
        most[tree] = max(most.get(tree, 0.0), sum(abs(float(weight)) for _, weight in weights))
    total = sum(most.values()) + np.abs(base).max(initial=0)
    given = [weight for weights in ensemble.leaves.values() for _, weight in weights]
    every = np.unique(np.concatenate([np.array(given), base]))
    return any(bool((every * 2**by % 1 == 0).all()) and total * 2**by <= _WHOLE_FLOATS for by in range(_FINEST))


def _drop_unread(model: Any, cast: Any) -> None:
    wanted = {name for node in model.graph.node for name in node.input} | captured(model)
    wanted |= {value.name for value in model.graph.output}
    if cast.output[0] not in wanted:
        stale = [value for value in model.graph.value_info if value.name == cast.output[0]]
        model.graph.node.remove(cast)
        for value in stale:
            model.graph.value_info.remove(value)
