"""Whether this container reaches its GPU through onnxruntime: `python -m jobs.check_gpu`.

It runs one small model on the GPU and on the CPU and compares. It exits 0 when both agree, 1 when there is no GPU to
be used or they differ; the last line says which, as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

GPU, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
# TF32 keeps ten bits of a factor: sums of 256 products of normal numbers differ by this much at most.
TOLERANCE = 0.1


def main() -> int:
    """Prints what was found and returns the exit status."""
    found = _found()
    print(json.dumps(found), flush=True)
    return 0 if found["agrees"] else 1


def _found() -> dict[str, Any]:
    if GPU not in ort.get_available_providers():
        return {"agrees": False, "reason": "this onnxruntime is built without CUDA", "onnxruntime": ort.__version__}
    ort.preload_dlls()
    model = _matmul().SerializeToString()
    on_gpu = ort.InferenceSession(model, providers=[GPU, CPU])
    if GPU not in on_gpu.get_providers():
        return {"agrees": False, "reason": "onnxruntime fell back to the CPU: no GPU or no driver in this container"}
    rows = np.random.default_rng(0).standard_normal((256, 256), dtype=np.float32)
    (got,), (wanted,) = (
        session.run(None, {"x": rows}) for session in (on_gpu, ort.InferenceSession(model, providers=[CPU]))
    )
    difference = float(np.abs(got - wanted).max())
    return {"agrees": difference <= TOLERANCE, "largest_difference": difference, "onnxruntime": ort.__version__}


def _matmul() -> onnx.ModelProto:
    shape = [256, 256]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "x"], ["y"])],
        "check",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


if __name__ == "__main__":
    sys.exit(main())
