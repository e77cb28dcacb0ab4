"""A CatBoost model opened by its library, which writes ONNX itself (catboost/docs/apply-onnx-ml)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters._ensemble import LARGEST
from aimass.formats.converters._ensemble_graph import INPUT, IR, ML_OPSET, OPSET

_CLASSES = ("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll")
_PLAIN = ("RMSE", "MAE", "Quantile", "MAPE", "LogLinQuantile", "Huber", "Expectile", "Lq", "YetiRank", "QueryRMSE")
_EXPONENTS = ("Poisson", "Tweedie")
_FEATURES = "encode such features as numbers before the model"


class CatBoostModel:
    """A CatBoost model of features that are numbers."""

    def __init__(self, opened: Any) -> None:
        self._model = opened
        self._loss = str(opened.get_all_params().get("loss_function", "")).split(":")[0]
        self._labels = [label.item() if hasattr(label, "item") else label for label in _labels(opened)]

    @property
    def wanted(self) -> Sequence[Wanted]:
        borders = {
            int(column): [float(np.float32(value)) for value in values[:: max(1, len(values) // 64)]]
            for column, values in self._model.get_borders().items()
        }
        known = [value for values in borders.values() for value in values if abs(value) < LARGEST]
        low, high = min(known, default=0.0), max(known, default=1.0)
        margin = (high - low) / 10 or 1.0
        near = {column: [*values, math.nan] for column, values in borders.items()}
        return [Wanted(INPUT, "float32", (-1, self._columns), low - margin, high + margin, near)]

    def convert(self, folder: Path) -> Converted:
        """Raises ConversionFailed for features that are categories, texts or embeddings, and for other losses."""
        self._check()
        path = folder / "model.onnx"
        self._model.save_model(str(path), format="onnx")
        import onnx

        graph = onnx.load(str(path))
        _repair(graph, self._columns, len(self._labels), exponent=self._loss in _EXPONENTS)
        if self._loss == "MultiClassOneVsAll":
            _each_by_itself(graph.graph)
        onnx.checker.check_model(graph)
        path.write_bytes(graph.SerializeToString())
        names = tuple(map(str, self._model.feature_names_ or ()))
        return Converted(
            "model.onnx",
            ("model.onnx",),
            "CatBoost",
            labels=tuple(map(str, self._labels)),
            columns=() if names == tuple(map(str, range(len(names)))) else names,
        )

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        rows = inputs[INPUT]
        if not self._labels:
            kind = "Exponent" if self._loss in _EXPONENTS else "RawFormulaVal"
            return {"variable": np.asarray(self._predict(rows, kind)).reshape(len(rows), -1)}
        label = np.asarray(self._predict(rows, "Class")).reshape(len(rows))
        return {"label": label, "probabilities": np.asarray(self._predict(rows, "Probability"))}

    def _predict(self, rows: np.ndarray, kind: str) -> Any:
        return self._model.predict(rows, prediction_type=kind, thread_count=1)

    @property
    def _columns(self) -> int:
        return len(self._model.feature_names_)

    def _check(self) -> None:
        for what, columns in (
            ("features that are categories", self._model.get_cat_feature_indices()),
            ("features that are texts", self._model.get_text_feature_indices()),
            ("features that are embeddings", self._model.get_embedding_feature_indices()),
        ):
            if columns:
                shown = ", ".join(map(str, list(columns)[:8]))
                raise _cannot(f"{what}, as the columns {shown}", _FEATURES)
        if self._loss not in (*_CLASSES, *_PLAIN, *_EXPONENTS):
            raise _cannot(f"a model of the loss {self._loss}", "train it with another loss")


def open_file(folder: Path, candidate: Candidate) -> CatBoostModel:
    """Opens what `save_model` wrote."""
    import catboost

    opened = catboost.CatBoost()
    opened.load_model(str(folder / candidate.main))
    return CatBoostModel(opened)


def _labels(opened: Any) -> Sequence[Any]:
    labels = getattr(opened, "classes_", None)
    return list(labels) if labels is not None else []


def _repair(graph: Any, columns: int, classes: int, *, exponent: bool) -> None:
    """Scores as a table and not as maps, dimensions as they are, and versions that say what is used."""
    from onnx import TensorProto, helper

    body = graph.graph
    maps = [node for node in body.node if node.op_type == "ZipMap"]
    for node in maps:
        body.node.remove(node)
        _rename(body, node.input[0], "probabilities")
    del body.input[:]
    _rename(body, "features", INPUT)
    body.input.append(helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", columns]))
    first = body.output[0]
    del body.output[:]
    if maps:
        kind = first.type.tensor_type.elem_type
        body.output.append(helper.make_tensor_value_info("label", kind, ["N"]))
        body.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes]))
        _rename(body, first.name, "label")
    else:
        _rename(body, first.name, "exponent" if exponent else "variable")
        if exponent:
            body.node.append(helper.make_node("Exp", ["exponent"], ["variable"]))
        body.output.append(helper.make_tensor_value_info("variable", TensorProto.FLOAT, ["N", 1]))
    body.name, graph.doc_string = "trees", ""
    del graph.metadata_props[:]  # when it was trained, and by which build
    del graph.opset_import[:]
    graph.opset_import.extend([helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)])
    graph.ir_version = IR


def _each_by_itself(body: Any) -> None:
    """CatBoost writes a softmax for classes of which each has a probability of its own."""
    for node in body.node:
        for attribute in node.attribute:
            if attribute.name == "post_transform":
                attribute.s = b"LOGISTIC"


def _rename(body: Any, old: str, new: str) -> None:
    for node in body.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new


def _cannot(what: str, remedy: str) -> ConversionFailed:
    return ConversionFailed(f"{what} can't be written as ONNX by CatBoost: {remedy}", remedy=remedy)
