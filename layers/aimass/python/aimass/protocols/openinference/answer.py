"""An infer answer: JSON, or JSON followed by the tensors that were asked for as binary."""

from __future__ import annotations

from typing import Any

import numpy as np

from aimass.domain.datatypes import SequenceType, is_tensor, parse_type
from aimass.domain.model import TensorSpec
from aimass.inference.dataplane import Prediction, Value
from aimass.inference.jsontext import dumps
from aimass.inference.structured import encode_structured
from aimass.inference.tensor_binary import encode_binary
from aimass.inference.tensor_json import encode_tensor
from aimass.inference.tensors import Array
from aimass.protocols.http import HttpResponse
from aimass.protocols.openinference.classification import best_classes
from aimass.protocols.openinference.request import InferRequest, WantedOutput
from aimass.protocols.served import served

_HEADER_LENGTH = "Inference-Header-Content-Length"


def answer(call: InferRequest, prediction: Prediction) -> HttpResponse:
    """The response, in the outputs' order; `id` and parameters of the request come back."""
    wanted = {one.name: one for one in call.outputs}
    buffers: list[bytes | memoryview] = []
    outputs = []
    for spec, value in prediction.outputs:
        asked = wanted.get(spec.name, WantedOutput(spec.name, call.binary))
        array = value if is_tensor(spec.onnx_type) else _texts(spec, value)
        datatype = spec.datatype
        if asked.classes:
            array, datatype = best_classes(spec, array, asked.classes, prediction.version.class_names), "BYTES"
        outputs.append(_output(spec.name, datatype, array, buffers if asked.binary else None))
    body = {
        "model_name": prediction.version.model,
        "model_version": str(prediction.version.number),
        **({} if call.id is None else {"id": call.id}),
        **({"parameters": call.parameters} if call.parameters else {}),
        "outputs": outputs,
    }
    if not any("parameters" in one for one in outputs):
        return served(prediction, dumps(body))
    header = dumps(body)
    headers = {"content-type": "application/octet-stream", _HEADER_LENGTH: str(len(header))}
    return served(prediction, b"".join([header, *buffers]), headers)


def _output(name: str, datatype: str, array: Array, buffers: list[bytes | memoryview] | None) -> dict[str, Any]:
    described = {"name": name, "datatype": datatype, "shape": list(array.shape)}
    if buffers is None:
        return {**described, "data": encode_tensor(array.reshape(-1))}
    buffers.append(encode_binary(array))
    return {**described, "parameters": {"binary_data_size": len(buffers[-1])}}


def _texts(spec: TensorSpec, value: Value) -> Array:
    """A sequence as one JSON text an element, a map or optional as one text: an array of strings of shape [count]."""
    kind = parse_type(spec.onnx_type)
    values = [encode_structured(kind.element, one) for one in value] if isinstance(kind, SequenceType) else None
    if values is None:
        values = [encode_structured(kind, value)]
    texts = np.empty(len(values), object)
    texts[:] = [dumps(one).decode() for one in values]
    return texts
