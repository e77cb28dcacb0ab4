"""What becomes of the sums of trees, as nodes: of a graph of its own, or of one that skl2onnx writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from aimass.formats.converter import Wanted
from aimass.formats.converters._ensemble import Ensemble

INPUT = "input"
#: ai.onnx and ai.onnx.ml, and the file format that goes with them.
OPSET, ML_OPSET, IR = 17, 3, 8

Transform = Literal["none", "sigmoid", "softmax", "exp", "softplus", "square", "step"]
_OPERATORS: dict[Transform, str] = {
    "none": "Identity",
    "sigmoid": "Sigmoid",
    "softmax": "Softmax",
    "exp": "Exp",
    "softplus": "Softplus",
}


@dataclass(frozen=True)
class Meaning:
    """What sums of trees mean: multiplied by `factor` and transformed they are numbers or, with `classes`, the scores
    of classes. `labels` are what these are called, if not 0, 1, 2, ...
    """

    transform: Transform
    classes: bool = False
    factor: float = 1.0
    labels: Sequence[Any] = ()

    @property
    def text(self) -> bool:
        """Whether labels are strings."""
        return np.asarray(self.labels).dtype.kind in "UO"


@dataclass
class Drawing:
    """Nodes, each with its operator, inputs, output and attributes, and constants. `unique` makes names unique."""

    unique: Callable[[str], str] = str
    nodes: list[tuple[str, list[str], str, dict[str, Any]]] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)

    def constant(self, name: str, value: Any) -> str:
        unique = self.unique(name)
        self.constants[unique] = np.asarray(value)
        return unique

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Adds one, and returns its output."""
        self.nodes.append((operator, list(inputs), output, attributes))
        return output

    def between(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Adds one whose output has a name of its own, and returns that."""
        return self.node(operator, inputs, self.unique(operator.lower()), **attributes)


def draw(drawing: Drawing, ensemble: Ensemble, meaning: Meaning, given: str, answers: Sequence[str]) -> None:
    """From the table `given` to `answers`: the label and the scores, or numbers alone."""
    table = _whole_categories(drawing, ensemble, given)
    sums = drawing.between("TreeEnsembleRegressor", table, **ensemble.attributes())
    if meaning.factor != 1.0:
        sums = drawing.between("Mul", sums, drawing.constant("factor", np.float32(meaning.factor)))
    if not (meaning.classes and ensemble.targets == 1):
        _transform(drawing, meaning.transform, sums, answers[-1])
    else:
        positive = _transform(drawing, meaning.transform, sums, drawing.unique("positive"))
        negative = drawing.between("Sub", drawing.constant("one", np.float32(1)), positive)
        drawing.node("Concat", [negative, positive], answers[-1], axis=1)
    if meaning.classes:
        _label(drawing, meaning, answers)


def _whole_categories(drawing: Drawing, ensemble: Ensemble, given: str) -> str:
    """Categories are cut to whole numbers; NaN stays."""
    if not ensemble.categorical:
        return given
    mask = np.zeros((1, ensemble.columns), bool)
    mask[0, sorted(ensemble.categorical)] = True
    if ensemble.cut == "down":
        whole = drawing.between("Floor", given)
    else:
        size = drawing.between("Floor", drawing.between("Abs", given))
        whole = drawing.between("Mul", size, drawing.between("Sign", given))
    return drawing.between("Where", drawing.constant("categorical", mask), whole, given)


def _transform(drawing: Drawing, transform: Transform, given: str, answer: str) -> str:
    if transform == "square":
        return drawing.node("Mul", [given, drawing.between("Abs", given)], answer)
    if transform == "step":
        above = drawing.between("Greater", given, drawing.constant("zero", np.float32(0)))
        return drawing.node("Cast", [above], answer, to=1)
    options = {"axis": 1} if transform == "softmax" else {}
    return drawing.node(_OPERATORS[transform], [given], answer, **options)


def _label(drawing: Drawing, meaning: Meaning, answers: Sequence[str]) -> None:
    if not len(meaning.labels):
        drawing.node("ArgMax", [answers[1]], answers[0], axis=1, keepdims=0)
        return
    best = drawing.between("ArgMax", answers[1], axis=1, keepdims=0)
    called = np.asarray(meaning.labels).astype(object if meaning.text else np.int64)
    drawing.node("Gather", [drawing.constant("labels", called), best], answers[0])


def model(ensemble: Ensemble, meaning: Meaning) -> Any:
    """An ONNX model from `input` to `label` and `probabilities`, or to `variable`."""
    from onnx import TensorProto, checker, helper, numpy_helper

    drawing, answers = Drawing(_numbered()), ("label", "probabilities") if meaning.classes else ("variable",)
    draw(drawing, ensemble, meaning, INPUT, answers)
    width = 2 if meaning.classes and ensemble.targets == 1 else ensemble.targets
    outputs = [helper.make_tensor_value_info(answers[-1], TensorProto.FLOAT, ["N", width])]
    if meaning.classes:
        kind = TensorProto.STRING if len(meaning.labels) and meaning.text else TensorProto.INT64
        outputs.insert(0, helper.make_tensor_value_info(answers[0], kind, ["N"]))
    graph = helper.make_graph(
        [
            helper.make_node(kind, inputs, [output], domain="ai.onnx.ml" if "Tree" in kind else "", **attributes)
            for kind, inputs, output, attributes in drawing.nodes
        ],
        "trees",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", ensemble.columns])],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in drawing.constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    written = helper.make_model(graph, opset_imports=opsets, ir_version=IR, producer_name="aimass")
    checker.check_model(written)
    return written


def wanted(ensemble: Ensemble) -> Sequence[Wanted]:
    """The input of such a model, and where it decides."""
    low, high = ensemble.span
    return [Wanted(INPUT, "float32", (-1, ensemble.columns), low, high, ensemble.near)]


def _numbered() -> Callable[[str], str]:
    taken: dict[str, int] = {}

    def unique(name: str) -> str:
        taken[name] = taken.get(name, 0) + 1
        return f"{name}_{taken[name]}"

    return unique
