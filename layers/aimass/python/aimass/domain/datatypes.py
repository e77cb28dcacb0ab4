"""The Open Inference Protocol's datatypes and the onnxruntime tensor types they stand for."""

from __future__ import annotations

OIP_OF_ONNX = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(bfloat16)": "BF16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}

#: Sequences, maps and optionals travel as JSON text.
STRUCTURED = "BYTES"


def datatype_of(onnx_type: str) -> str:
    """The protocol's datatype for a runtime type such as `tensor(float)` or `seq(map(int64,tensor(float)))`."""
    return OIP_OF_ONNX.get(onnx_type, STRUCTURED)


def is_tensor(onnx_type: str) -> bool:
    """Whether the type is a plain tensor, not a sequence, map or optional."""
    return onnx_type in OIP_OF_ONNX
