"""How one call is written and its answer read, by the servers' three ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.predict.loads import Load, Tensors

LENGTH_HEADER = "Inference-Header-Content-Length"
JSON_TYPE, BYTES_TYPE = {"Content-Type": "application/json"}, {"Content-Type": "application/octet-stream"}
DATATYPES = {"float32": "FP32", "int64": "INT64"}


@dataclass(frozen=True)
class Call:
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Wire(Protocol):
    def call(self, load: Load) -> Call: ...

    def answer(self, body: bytes, headers: Mapping[str, str]) -> NDArray[np.generic]:
        """The first output's values, flat."""
        ...


@dataclass(frozen=True)
class OpenInference:
    """Open Inference Protocol v2, with its binary extension where the load is of bytes."""

    model: str = "model"

    def call(self, load: Load) -> Call:
        path = f"/v2/models/{self.model}/infer"
        if not load.is_binary:
            inputs = [_described(name, value) | {"data": value.ravel().tolist()} for name, value in load.inputs.items()]
            return Call(path, json.dumps({"inputs": inputs}).encode(), JSON_TYPE)
        asked = {"inputs": _sized(load.inputs), "parameters": {"binary_data_output": True}}
        head = json.dumps(asked).encode()
        tensors = b"".join(value.tobytes() for value in load.inputs.values())
        return Call(path, head + tensors, BYTES_TYPE | {LENGTH_HEADER: str(len(head))})

    def answer(self, body: bytes, headers: Mapping[str, str]) -> NDArray[np.generic]:
        if LENGTH_HEADER in headers:
            return np.frombuffer(body[int(headers[LENGTH_HEADER]) :], np.float32)
        return np.array(json.loads(body)["outputs"][0]["data"]).ravel()


@dataclass(frozen=True)
class Lists:
    """An object of the inputs' nested lists, as one writes it by hand; bytes go as they are."""

    path: str = "/predict"

    def call(self, load: Load) -> Call:
        if load.is_binary:
            return Call(self.path, load.inputs["x"].tobytes(), BYTES_TYPE)
        lists = {name: value.tolist() for name, value in load.inputs.items()}
        return Call(self.path, json.dumps(lists).encode(), JSON_TYPE)

    def answer(self, body: bytes, headers: Mapping[str, str]) -> NDArray[np.generic]:
        if headers.get("content-type", "").startswith("application/json"):
            return np.array(json.loads(body)).ravel()
        return np.frombuffer(body, np.float32)


def _described(name: str, value: NDArray[np.generic]) -> dict[str, object]:
    return {"name": name, "shape": list(value.shape), "datatype": DATATYPES[value.dtype.name]}


def _sized(inputs: Tensors) -> list[dict[str, object]]:
    sizes = {name: {"parameters": {"binary_data_size": value.nbytes}} for name, value in inputs.items()}
    return [_described(name, value) | sizes[name] for name, value in inputs.items()]
