"""The whole computation in half precision, for GPUs; on CPUs it is slower than floats.

Operators that onnxruntime lacks in half precision, or whose ranges it does not span, stay in floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onnx import TensorProto, helper

from aimass.compression.contract import Applied, Ask, NotApplicable, Options, Pass, Profile, Rows, Work
from aimass.compression.model_file import answers, close, open_session, refused, same_interface, save
from aimass.compression.passes._dead import drop_dead
from aimass.compression.passes._made_up import made_up_feeds
from aimass.compression.passes._quantizer import prepared, quiet, units, weighted
from aimass.compression.passes._ranges import extremes, float_tensors

# Half of what half precision spans: rows to come may reach further.
_LARGEST = 32_752
_TOLERANCE = 0.1
_MOST_ROWS = 32


def propose(profile: Profile, ask: Ask) -> Sequence[Options]:
    if ask.target != "gpu" or not profile.floats or profile.locked or profile.kind == "trees":
        return ()
    return ({"name": "fp16", "gain": [2.0, 2.0]},)


def apply(work: Work, options: Options) -> Applied:
    model, _ = prepared(work)
    layers, spared = weighted(model), set(options.get("spare", ()))
    if not layers.keys() - spared:
        raise NotApplicable("there is no layer left to compute in half precision")
    beyond = _beyond(model, work)
    with quiet(), refused("it cannot be converted to half precision"):
        from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

        half = convert_float_to_float16(
            model,
            keep_io_types=True,
            disable_shape_infer=True,
            op_block_list=sorted({*DEFAULT_OP_BLOCK_LIST, "Resize", "Upsample", "Cast"}),
            node_block_list=sorted(spared | beyond),
        )
    _join(half)
    save(half, work.target)
    _check(work)
    done = {name: size for name, size in layers.items() if name not in spared | beyond}
    notes = [f"{name}: {'16 bits' if name in done else 'left in 32 bits'}" for name in layers]
    return Applied(units(done, sum(work.profile.weights.values())), notes)


def _beyond(model: Any, work: Work) -> set[str]:
    """Nodes that read or give what half precision does not span on the rows. A CPU would not show it afterwards."""
    tensors = float_tensors(model, {node.name for node in model.graph.node})
    rows = work.rows if len(work.rows) else _made_up(work)
    seen = extremes(model, tensors, rows, work.folder)
    large = {name for name in tensors if name not in seen or max(-seen[name].least, seen[name].most) > _LARGEST}
    return {node.name for node in model.graph.node if large & {*node.input, *node.output}}


def _join(model: Any) -> None:
    """The converter puts halves between any two operators, those also that both stay in floats for their values."""
    kinds: dict[int, dict[str, Any]] = {TensorProto.FLOAT: {}, TensorProto.FLOAT16: {}}
    for node in model.graph.node:
        if node.op_type == "Cast":
            kinds.setdefault(helper.get_node_attr_value(node, "to"), {})[node.output[0]] = node
    for back in kinds[TensorProto.FLOAT].values():
        there = kinds[TensorProto.FLOAT16].get(back.input[0])
        if there is not None and there.name.endswith("_cast_to_fp16_node"):
            back.input[0] = there.input[0]
    drop_dead(model)


def _made_up(work: Work) -> Rows:
    feeds = made_up_feeds(open_session(work.source))
    return Rows(feeds[0], batch=max(1, *(len(array) for array in feeds[0].values())))


def _check(work: Work) -> None:
    """The converter makes graphs that do not load."""
    before, after = open_session(work.source), open_session(work.target)
    if not same_interface(before, after):
        raise NotApplicable("its inputs and outputs changed")
    feeds = work.rows.feeds(_MOST_ROWS) or made_up_feeds(before)
    if not close(answers(before, feeds), answers(after, feeds), _TOLERANCE):
        raise NotApplicable("its answers changed")


PASS = Pass(name="fp16", stage="quantize", methods=("fp16",), propose=propose, apply=apply)
