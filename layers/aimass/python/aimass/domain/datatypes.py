"""The Open Inference Protocol's datatypes, and the types of onnxruntime that they stand for or are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from aimass.domain.errors import PredictionFailed


@dataclass(frozen=True)
class Datatype:
    """An element type: the protocol's name, onnxruntime's, and numpy's code for it on the wire (little-endian)."""

    name: str
    element: str
    dtype: str


DATATYPES = (
    Datatype("BOOL", "bool", "?"),
    Datatype("UINT8", "uint8", "<u1"),
    Datatype("UINT16", "uint16", "<u2"),
    Datatype("UINT32", "uint32", "<u4"),
    Datatype("UINT64", "uint64", "<u8"),
    Datatype("INT8", "int8", "<i1"),
    Datatype("INT16", "int16", "<i2"),
    Datatype("INT32", "int32", "<i4"),
    Datatype("INT64", "int64", "<i8"),
    Datatype("FP16", "float16", "<f2"),
    Datatype("BF16", "bfloat16", "bfloat16"),  # once ml_dtypes is imported
    Datatype("FP32", "float", "<f4"),
    Datatype("FP64", "double", "<f8"),
    Datatype("BYTES", "string", "O"),
)
OIP_OF_ONNX = {f"tensor({one.element})": one.name for one in DATATYPES}
NUMPY_CODES = {one.name: one.dtype for one in DATATYPES}
FLOATS = frozenset({"BF16", "FP16", "FP32", "FP64"})

#: Sequences, maps and optionals travel as JSON text.
STRUCTURED = "BYTES"


def datatype_of(onnx_type: str) -> str:
    """The protocol's datatype for a runtime type such as `tensor(float)` or `seq(map(int64,tensor(float)))`."""
    return OIP_OF_ONNX.get(onnx_type, STRUCTURED)


def is_tensor(onnx_type: str) -> bool:
    """Whether the type is a plain tensor, not a sequence, map or optional."""
    return onnx_type in OIP_OF_ONNX


@dataclass(frozen=True)
class TensorType:
    """A tensor of a protocol datatype."""

    datatype: str


@dataclass(frozen=True)
class SequenceType:
    """A list of one type."""

    element: OnnxType


@dataclass(frozen=True)
class MapType:
    """A dict; its keys are `int64` or `string`."""

    key: str
    value: OnnxType


@dataclass(frozen=True)
class OptionalType:
    """A value, or None."""

    element: OnnxType


OnnxType = TensorType | SequenceType | MapType | OptionalType


@cache
def parse_type(onnx_type: str) -> OnnxType:
    """Reads the runtime's notation, such as `seq(map(int64,tensor(float)))`.

    Raises PredictionFailed for a type that no wire carries.
    """
    head, _, rest = onnx_type.partition("(")
    inner = rest.removesuffix(")")
    if onnx_type in OIP_OF_ONNX:
        return TensorType(OIP_OF_ONNX[onnx_type])
    if head == "seq":
        return SequenceType(parse_type(inner))
    if head == "optional":
        return OptionalType(parse_type(inner))
    if head == "map":
        key, _, value = inner.partition(",")
        return MapType(key, parse_type(value))
    raise PredictionFailed(f"{onnx_type} is a type that no protocol here carries", onnx_type=onnx_type)
