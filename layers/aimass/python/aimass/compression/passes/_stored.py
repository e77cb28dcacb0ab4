"""Weights stored small and unpacked by operators on constants, which the runtime runs once, when it loads the model.

Cast and Mul are folded so; DequantizeLinear is not, and would be run in every call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from aimass.compression.contract import Applied, NotApplicable, Options, Profile, Work
from aimass.compression.model_file import load, name_nodes, save
from aimass.compression.passes._quantizer import captured, check, units

#: Smaller ones weigh less than the operators that unpack them.
LEAST_ELEMENTS = 1_024
_LEAST_WEIGHTS = 8_192  # of a whole model
Packer = Callable[[str, Any], "tuple[list[Any], list[Any]] | None"]  # initializers and nodes instead of one weight


def worth_storing(profile: Profile) -> bool:
    """Whether a model has float weights enough, and may be changed."""
    enough = sum(profile.weights.values()) >= _LEAST_WEIGHTS
    return profile.floats and not profile.locked and profile.kind != "trees" and enough


def store(work: Work, options: Options, pack: Packer, said: str) -> Applied:
    """Every large float weight as `pack` has it, unless spared. A unit is a weight. Raises NotApplicable."""
    model = load(work.source)
    name_nodes(model)
    spared, done, notes = set(options.get("spare", ())), {}, []
    nodes, initializers = [], []
    # Those that may be sent instead, are answers, or are read in subgraphs, where the runtime folds nothing.
    unfoldable = captured(model) | {value.name for value in (*model.graph.input, *model.graph.output)}
    for tensor in model.graph.initializer:
        size = int(np.prod(tensor.dims, dtype=np.int64))
        eligible = tensor.data_type == TensorProto.FLOAT and size >= LEAST_ELEMENTS and tensor.name not in unfoldable
        instead = pack(tensor.name, numpy_helper.to_array(tensor)) if eligible and tensor.name not in spared else None
        if instead:
            initializers += instead[0]
            nodes += instead[1]
            done[tensor.name] = size
        else:
            initializers.append(tensor)
        if eligible:
            notes.append(f"{tensor.name}: {said if instead else 'left in 32 bits'}")
    if not done:
        raise NotApplicable("there is no large float weight left to store in fewer bits")
    _replace(model.graph.initializer, initializers)
    _replace(model.graph.node, [*nodes, *model.graph.node])
    save(model, work.target)
    check(work)
    return Applied(units(done, sum(work.profile.weights.values())), notes)


def _replace(field: Any, items: Iterable[Any]) -> None:
    copies = [type(item).FromString(item.SerializeToString()) for item in items]
    del field[:]
    field.extend(copies)


def unpacked(name: str, small: str, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_node("Cast", [small], [name], f"{small}/unpacked", to=kind)
