"""A body that is one tensor's bytes and nothing else: little-endian, row-major."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aimass.domain.datatypes import is_tensor
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.dataplane import Value
from aimass.inference.tensor_binary import decode_binary
from aimass.inference.tensors import bad_input, numpy_dtype, shape_text


def read_raw(specs: Sequence[TensorSpec], data: memoryview) -> dict[str, Value]:
    """The only input of a model, of its bytes; at most one of its dimensions may vary. BYTES are one element.

    Raises InvalidArguments.
    """
    if len(specs) != 1 or not is_tensor(specs[0].onnx_type):
        raise InvalidArguments("a body without a JSON header is for models of one tensor input")
    spec = specs[0]
    if spec.datatype == "BYTES":
        text = decode_binary(spec.name, "BYTES", [1], memoryview(len(data).to_bytes(4, "little") + data))
        return {spec.name: text.reshape([1] * max(1, len(spec.shape)))}
    return {spec.name: decode_binary(spec.name, spec.datatype, _shape(spec, len(data)), data)}


def _shape(spec: TensorSpec, size: int) -> list[int]:
    """The shape that so many bytes have. Of a fixed shape there may be several, one after the other."""
    width = numpy_dtype(spec.datatype).itemsize
    if not spec.shape and size == width:
        return []
    wanted = list(spec.shape) or [-1]
    if wanted.count(-1) > 1:
        raise bad_input(spec.name, f"shape {shape_text(spec.shape)} varies in several dimensions; send a JSON header")
    varies = wanted.index(-1) if -1 in wanted else 0
    # A dimension of 0 leaves no data to count.
    wanted[varies] = size // max(width * math.prod(wanted[:varies] + wanted[varies + 1 :]), 1)
    return wanted
