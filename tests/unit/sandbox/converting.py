"""Converters that need no library but numpy and onnx, and the task that converts with them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from aimass.formats.converter import Candidate, Converted, Converter, Wanted
from aimass.sandbox.tasks.convert import convert
from tests.unit.sandbox.graphs import model, node, value, weight

THRESHOLD = 0.3


@dataclass
class Steps:
    """y = 1 where x > the threshold, as double and, in ONNX, as float: they disagree at one float beside it."""

    drifts: bool
    beside: tuple[str, ...] = ()

    @property
    def wanted(self) -> Sequence[Wanted]:
        return [Wanted("x", "float32", (-1, 2), near={0: [THRESHOLD]})]

    def convert(self, folder: Path) -> Converted:
        near = np.float32(THRESHOLD)
        # The float above 0.3 is where a double's comparison turns; the drifting model rounds it the other way.
        at = np.nextafter(near, np.float32(1)) if self.drifts else np.nextafter(near, np.float32(0))
        nodes = [node("Greater", ["x", "t"], ["b"]), node("Cast", ["b"], ["y"], to=TensorProto.INT64)]
        graph = model(
            nodes,
            [value("x", ["n", 2])],
            [value("y", ["n", 2], TensorProto.INT64)],
            [weight("t", np.float32([at, 0.5]))],
        )
        onnx.save(graph, folder / "model.onnx")
        for name in self.beside:
            (folder / name).write_text("{}")
        told = {"labels": ("low", "high"), "notes": ("made for a test",), "beside": self.beside}
        return Converted("model.onnx", ("model.onnx",), "steps 1.0", **told)

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        return {"y": (inputs["x"].astype(np.float64) > np.array([THRESHOLD, 0.5])).astype(np.int64)}


def _open(folder: Path, candidate: Candidate) -> Any:
    what = (folder / candidate.main).read_text()
    if what == "breaks":
        raise ValueError(f"no such tree in {folder}/m.steps")
    if what == "sleeps":
        time.sleep(60)
    if what == "other user's":
        return _Nosy()
    return Steps(what == "drifts", beside=("tokenizer.json",) if what == "has words" else ())


class _Nosy(Steps):
    """Runs a program while it is opened."""

    def __init__(self) -> None:
        super().__init__(drifts=False)
        os.system("touch /tmp/aimass-was-here")
        os.fork()


CONVERTER = Converter(titles={"steps": "a model of steps"}, environment="trees", open=_open, remedy="send numbers")
PROGRAM = Converter(titles={"steps": "a model of steps"}, environment="trees", open=_open, program=frozenset({"steps"}))


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield convert(PROGRAM if request["candidate"]["facts"].get("program") else CONVERTER, request)


def zipmap() -> onnx.ModelProto:
    """Scores of two classes as a sequence of maps."""
    output = helper.make_value_info(
        "scores",
        helper.make_sequence_type_proto(
            helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
        ),
    )
    zip_map = helper.make_node("ZipMap", ["x"], ["scores"], domain="ai.onnx.ml", classlabels_int64s=[0, 1])
    return model([zip_map], [value("x", [None, 2])], [output], opset={"": 17, "ai.onnx.ml": 1})
