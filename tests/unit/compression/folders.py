"""A small classifier with its rows in a folder, as the steps find it, and passes whose results are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aimass.compression.budget import Budget
from aimass.compression.contract import Applied, Ask, NotApplicable, Options, Pass, Unit, Work
from aimass.compression.data.labels import Labels
from aimass.compression.part_file import write_part
from aimass.compression.plan import Wish
from aimass.compression.reading import Reading
from aimass.compression.rows import Data
from aimass.compression.steps.folder import CALIBRATION, CHOOSING, HELD_OUT, Asked, Folder

FEATURES, WIDTH, CLASSES = 16, 256, 4
ROWS = {CALIBRATION: 128, CHOOSING: 400, HELD_OUT: 800}


def classifier(width: int = WIDTH) -> Any:
    """Two layers of random weights: x [rows, 16] to scores [rows, 4]."""
    random = np.random.default_rng(0)
    weights = {
        "w1": random.standard_normal((FEATURES, width)).astype(np.float32),
        "w2": random.standard_normal((width, CLASSES)).astype(np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["h"], "first"),
        helper.make_node("Relu", ["h"], ["r"], "relu"),
        helper.make_node("MatMul", ["r", "w2"], ["scores"], "second"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", FEATURES])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def folder_of(root: Path, budget: float = 0.02, wish: Wish | None = None) -> tuple[Folder, Asked]:
    """The classifier, and rows whose labels are what it answers, but for each tenth."""
    folder = Folder(root)
    root.mkdir(parents=True, exist_ok=True)
    onnx.save(classifier(), folder.original)
    inputs = np.random.default_rng(1).standard_normal((sum(ROWS.values()), FEATURES)).astype(np.float32)
    weights = [numpy_helper.to_array(tensor) for tensor in classifier().graph.initializer]
    labels = (np.maximum(inputs @ weights[0], 0) @ weights[1]).argmax(axis=1)
    labels[::10] = 0
    data, start = Data({"x": inputs}, Labels("classes", labels.astype(np.int64))), 0
    for part, count in ROWS.items():
        write_part(folder.rows(part), data, np.arange(start, start + count))
        start += count
    ask = Ask(rows=ROWS[CALIBRATION], labels=True)
    return folder, Asked(ask, wish or Wish(), Budget("accuracy", budget), Reading("scores", "columns"), ROWS[HELD_OUT])


def changing(change: Callable[[Any, Options], Mapping[str, float]], name: str = "change", **more: Any) -> Pass:
    """A pass that changes the loaded model and gives its units with their weights."""

    def apply(work: Work, options: Options) -> Applied:
        model = onnx.load(work.source)
        units = change(model, options)
        onnx.save(model, work.target)
        return Applied([Unit(unit, weight) for unit, weight in units.items()], [f"{name} was here"])

    proposed = more.pop("proposed", [{"name": name}])
    given = {"stage": "quantize", "methods": (name,), "propose": lambda profile, ask: proposed, "apply": apply, **more}
    return Pass(name=name, **given)


def refusing(name: str, error: Exception) -> Pass:
    def apply(work: Work, options: Options) -> Applied:
        raise error

    return Pass(name, "quantize", (name,), lambda profile, ask: [{"name": name}], apply)


def keep(model: Any, options: Options) -> Mapping[str, float]:
    return {}


def halve(model: Any, options: Options) -> Mapping[str, float]:
    """Weights as FP16 with a Cast, `spare` left as they are: half the size, the same answers but for rounding."""
    return _rewritten(model, options, lambda array: array)


def spoil(model: Any, options: Options) -> Mapping[str, float]:
    """As `halve`, and the weights of `w1` are turned round, so that answers are wrong unless it is spared."""
    return _rewritten(model, options, lambda array: array[::-1], only="w1")


def _rewritten(
    model: Any, options: Options, change: Callable[[Any], Any], only: str | None = None
) -> Mapping[str, float]:
    done, casts = {}, []
    for tensor in list(model.graph.initializer):
        if tensor.name in options.get("spare", ()):
            continue
        array = numpy_helper.to_array(tensor)
        array = change(array) if only in (None, tensor.name) else array
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f"{name}/half"))
        casts.append(helper.make_node("Cast", [f"{name}/half"], [name], f"{name}/cast", to=TensorProto.FLOAT))
        done[name] = 0.5
    if not done:
        raise NotApplicable("nothing is left to change")
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return done
