"""Operators that leave channels what they are: element by element, over the image's dimensions, side by side."""

from __future__ import annotations

import numpy as np
import onnx

from aimass.compression.graph.channels import Channels, Count, Trace, has, wide
from aimass.compression.graph.mixing import second
from aimass.compression.graph.reading import attributes


def elementwise(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    """Any number of tensors that broadcast: the channels of all become one, constants are cut with them."""
    tracked = [trace.at[name] for name in node.input if name in trace.at]
    if not tracked or len({channels.axis for channels in tracked}) > 1 or len(node.output) > 1:
        return False
    main = max(tracked, key=lambda channels: len(channels.atoms))
    if not all(_joined(trace, index, slot, main) for slot in range(len(node.input)) if node.input[slot]):
        return False
    trace.put(node.output[0], main)
    return True


def _joined(trace: Trace, index: int, slot: int, main: Channels) -> bool:
    node, length = trace.graph.nodes[index], len(main.atoms)
    name = node.input[slot]
    if name in trace.at:
        atoms = trace.at[name].atoms
        trace.atoms.join(atoms, main.atoms) if len(atoms) == length else trace.atoms.lock(atoms)
        return len(atoms) in (1, length)
    value, shape = trace.constant(node, slot), trace.graph.shapes.get(name)
    if value is None:
        return shape is not None and (len(shape) < -main.axis or shape[main.axis] == 1)
    if wide(value, main.axis) == 1:
        return True
    trace.cut(index, slot, value.ndim + main.axis, main.atoms) if wide(value, main.axis) == length else None
    return wide(value, main.axis) == length


def dropout(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    training = trace.constant(node, 2)
    if len([name for name in node.output if name]) != 1 or (has(node, 2) and (training is None or training.any())):
        return False
    if node.input[0] in trace.at:
        trace.put(node.output[0], trace.at[node.input[0]])
    return True


def pool(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    source = second(trace, node.input[0])
    if source is None or len([name for name in node.output if name]) != 1:
        return False
    trace.put(node.output[0], source)
    return True


def reduce(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    source, rank, given = trace.at.get(node.input[0]), trace.graph.rank(node.input[0]), attributes(node)
    axes = trace.constant(node, 1) if has(node, 1) else given.get("axes")
    if source is None or rank is None or axes is None or len(axes) == 0:
        return False
    over = {int(axis) - rank if axis >= 0 else int(axis) for axis in axes}
    if source.axis in over:
        return False
    behind = 0 if given.get("keepdims", 1) else len([axis for axis in over if axis > source.axis])
    trace.put(node.output[0], Channels(source.axis + behind, source.atoms))
    return True


def concat(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    rank = next((rank for name in node.input if (rank := trace.graph.rank(name)) is not None), None)
    axis = attributes(node)["axis"]
    axis = axis if axis < 0 else None if rank is None else axis - rank
    parts = [_part(trace, name, axis) for name in node.input]
    if axis is None or any(part is None or part.axis != axis for part in parts):
        return False
    trace.put(node.output[0], Channels(axis, np.concatenate([part.atoms for part in parts if part is not None])))
    return True


def _part(trace: Trace, name: str, axis: int | None) -> Channels | None:
    """What an input adds to a concatenation; atoms that stay, where it carries no channels."""
    if name in trace.at or axis is None:
        return trace.at.get(name)
    shape = trace.graph.shapes.get(name)
    count = shape[axis] if shape is not None and len(shape) >= -axis else None
    if count is None:
        return None
    atoms = trace.atoms.fresh(count)
    trace.atoms.lock(atoms)
    return Channels(axis, atoms)


def pad(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    source = trace.at.get(node.input[0])
    pads = trace.constant(node, 1) if has(node, 1) else attributes(node).get("pads")
    if source is None or pads is None or has(node, 3) or len(pads) % 2 or len(pads) // 2 < -source.axis:
        return False
    at = len(pads) // 2 + source.axis
    if pads[at] or pads[at + len(pads) // 2]:
        return False
    trace.put(node.output[0], source)
    return True


def resize(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    source, given = second(trace, node.input[0]), attributes(node)
    if source is None or "axes" in given or given.get("coordinate_transformation_mode") == b"tf_crop_and_resize":
        return False
    scales = given.get("scales") if len(node.input) == 1 else trace.constant(node, 1 if len(node.input) == 2 else 2)
    sizes = trace.constant(node, 3)
    if sizes is not None and len(sizes) > 1 and sizes[1] == len(source.atoms):
        trace.counts.append(Count(index, 3, 1, source.atoms))
    elif has(node, 3) or scales is None or len(scales) < 2 or scales[1] != 1:
        return False
    trace.put(node.output[0], source)
    return True
