"""Trees in scikit-learn's pipelines that skl2onnx doesn't know, or whose thresholds it rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats.converters._ensemble import Ensemble
from aimass.formats.converters._ensemble_graph import Drawing, Meaning, Transform, draw
from aimass.formats.converters._sklearn_thresholds import move_thresholds

_LINKS: dict[str, Transform] = {
    "IdentityLink": "none",
    "LogLink": "exp",
    "LogitLink": "sigmoid",
    "HalfLogitLink": "sigmoid",
    "MultinomialLogit": "softmax",
}


def convert_histogram(scope: Any, operator: Any, container: Any) -> None:
    """scikit-learn's histogram gradient boosting, as skl2onnx calls a converter. It compares in doubles.

    Its thresholds are values of its training, rounded as those are, so that a value that is a threshold, 0.57 say,
    still goes the threshold's way.
    """
    model = operator.raw_operator
    labels = getattr(model, "classes_", ())
    meaning = Meaning(_LINKS[type(model._loss.link).__name__], len(labels) > 0, labels=labels)
    ensemble, given = _histogram(model), doubles(scope, operator, container)
    move_thresholds(ensemble, scope, container, given, single=False, kept=True)
    _write(scope, operator, container, ensemble, meaning, given)


def convert_forest(scope: Any, operator: Any, container: Any) -> None:
    """scikit-learn's trees and forests, as skl2onnx calls a converter, whose own forget where missing values go. They
    compare floats with doubles, and their sums decide labels to the last bit.
    """
    from onnx import TensorProto

    model = operator.raw_operator
    trees = [one.tree_ for one in getattr(model, "estimators_", [])] or [model.tree_]
    labels = getattr(model, "classes_", ())
    if len(labels) == 1:
        raise ConversionFailed("a classifier of one class can't be written as ONNX: train it with more", remedy="")
    meaning = Meaning("none", len(labels) > 0, 1 / len(trees), labels)
    cast = scope.get_unique_variable_name("floats_as_doubles")
    container.add_node("Cast", table(scope, operator, container), cast, to=TensorProto.DOUBLE)
    ensemble = _forest(trees, int(model.n_features_in_))
    move_thresholds(ensemble, scope, container, cast, single=True, kept=False)
    _write(scope, operator, container, ensemble, meaning, cast)


def convert_boosted(scope: Any, operator: Any, container: Any) -> None:
    """XGBoost's and LightGBM's classes for scikit-learn, as skl2onnx calls a converter."""
    from aimass.formats.converters._sklearn_file import boosted

    opened = boosted(operator.raw_operator)
    given = table(scope, operator, container)
    # LightGBM compares doubles.
    single = not type(operator.raw_operator).__module__.startswith("lightgbm")
    move_thresholds(opened.ensemble, scope, container, given, single=single, kept=False)
    _write(scope, operator, container, opened.ensemble, opened.meaning, given)


def table(scope: Any, operator: Any, container: Any) -> str:
    """The input as one table."""
    from skl2onnx.operator_converters.common import concatenate_variables

    if len(operator.inputs) > 1:
        return str(concatenate_variables(scope, operator.inputs, container))
    return str(operator.inputs[0].full_name)


def doubles(scope: Any, operator: Any, container: Any) -> str:
    """The input in doubles: that of a scaler in front, before it was cast to floats, if there is one."""
    from onnx import TensorProto

    given = table(scope, operator, container)
    for node in container.nodes:
        if node.op_type == "Cast" and given in node.output and node.input[0].startswith("exact"):
            return str(node.input[0])
    cast = scope.get_unique_variable_name("exact")
    container.add_node("Cast", given, cast, to=TensorProto.DOUBLE)
    return str(cast)


def _write(scope: Any, operator: Any, container: Any, ensemble: Ensemble, meaning: Meaning, given: str) -> None:
    from onnx import helper

    drawing = Drawing(scope.get_unique_variable_name)
    draw(drawing, ensemble, meaning, given, [one.full_name for one in operator.outputs])
    for name, value in drawing.constants.items():
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        values = [one.encode() for one in value.ravel()] if value.dtype.kind == "O" else value.ravel().tolist()
        container.add_initializer(name, kind, list(value.shape), values)
    for kind, inputs, output, attributes in drawing.nodes:
        domain = {"op_domain": "ai.onnx.ml", "op_version": 3} if "Tree" in kind else {}
        container.add_node(kind, inputs, output, name=scope.get_unique_operator_name(kind), **domain, **attributes)


def _forest(trees: Sequence[Any], columns: int) -> Ensemble:
    ensemble = Ensemble(columns, int(np.prod(trees[0].value.shape[1:])), exact=True)
    for index, tree in enumerate(trees):
        left, right, features = tree.children_left.tolist(), tree.children_right.tolist(), tree.feature.tolist()
        thresholds, values = tree.threshold.tolist(), tree.value.reshape(len(left), -1).tolist()
        missing = tree.missing_go_to_left.tolist()
        for node, yes in enumerate(left):
            if yes == -1:
                for target, value in enumerate(values[node]):
                    ensemble.leaf(index, node, target, value)
                continue
            ensemble.split(
                index, node, features[node], "BRANCH_LEQ", thresholds[node], yes, right[node],
                missing_yes=bool(missing[node]),
            )  # fmt: skip
    return ensemble


def _histogram(model: Any) -> Ensemble:
    if model.is_categorical_ is not None and np.any(model.is_categorical_):
        remedy = "encode them as numbers before it"
        raise ConversionFailed(f"histogram boosting of categories can't be written as ONNX: {remedy}", remedy=remedy)
    ensemble = Ensemble(int(model.n_features_in_), int(model.n_trees_per_iteration_), exact=True)
    ensemble.base = [float(value) for value in np.ravel(model._baseline_prediction)]
    trees = [(predictor.nodes, target) for group in model._predictors for target, predictor in enumerate(group)]
    for index, (nodes, target) in enumerate(trees):
        for number, node in enumerate(nodes):
            if node["is_leaf"]:
                ensemble.leaf(index, number, target, float(node["value"]))
                continue
            ensemble.split(
                index,
                number,
                int(node["feature_idx"]),
                "BRANCH_LEQ",
                float(node["num_threshold"]),
                int(node["left"]),
                int(node["right"]),
                missing_yes=bool(node["missing_go_to_left"]),
            )
    return ensemble
