"""Converters that skl2onnx is given beside its own, or in their place, where its own answer otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from aimass.formats.converters._sklearn_inputs import everything
from aimass.formats.converters._sklearn_trees import convert_boosted, convert_forest, convert_histogram, doubles

_BOTH = [True, False]
_OPTIONS = {"zipmap": _BOTH, "nocl": _BOTH, "output_class_labels": _BOTH, "raw_scores": _BOTH}


def own_converters() -> dict[type, Any]:
    """By class: in doubles, as scikit-learn computes, for a last bit decides which way a tree goes."""
    from sklearn import ensemble, preprocessing, tree

    scalers = (
        preprocessing.StandardScaler,
        preprocessing.RobustScaler,
        preprocessing.MaxAbsScaler,
        preprocessing.MinMaxScaler,
    )
    boosting = (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor)
    forests = (
        *(tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, tree.ExtraTreeClassifier, tree.ExtraTreeRegressor),
        *(ensemble.RandomForestClassifier, ensemble.RandomForestRegressor),
        *(ensemble.ExtraTreesClassifier, ensemble.ExtraTreesRegressor),
    )
    return {
        **dict.fromkeys(scalers, _convert_scaler),
        **dict.fromkeys(boosting, convert_histogram),
        **dict.fromkeys(forests, convert_forest),
    }


def register(model: Any) -> None:
    """Makes skl2onnx know the boosters in a model, and LinearSVC's option for scores at the end of a pipeline."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common import shape_calculator as shapes
    from skl2onnx.operator_converters.linear_classifier import convert_sklearn_linear_classifier
    from sklearn.svm import LinearSVC

    found = {LinearSVC: ("SklearnLinearSVC", True, convert_sklearn_linear_classifier)}
    for step in everything(model):
        kind = type(step)
        if kind.__module__.split(".")[0] in ("xgboost", "lightgbm"):
            found[kind] = (f"Aimass{kind.__name__}", hasattr(step, "classes_"), convert_boosted)
    for kind, (alias, classes, convert) in found.items():
        calculate = shapes.calculate_linear_regressor_output_shapes
        if classes:
            calculate = shapes.calculate_linear_classifier_output_shapes
        options = _OPTIONS if classes else None
        update_registered_converter(kind, alias, calculate, convert, overwrite=True, options=options)


def _convert_scaler(scope: Any, operator: Any, container: Any) -> None:
    """Cast to double, subtract and divide, or multiply and add, and cast back."""
    from onnx import TensorProto
    from skl2onnx.common.data_types import DoubleTensorType

    last = doubles(scope, operator, container)
    for kind, values in _operations(operator.raw_operator):
        constant, after = scope.get_unique_variable_name("values"), scope.get_unique_variable_name("exact")
        container.add_initializer(constant, TensorProto.DOUBLE, list(np.shape(values)), np.ravel(values).tolist())
        container.add_node(kind, [last, constant], after)
        last = after
    double = isinstance(operator.outputs[0].type, DoubleTensorType)
    to = TensorProto.DOUBLE if double else TensorProto.FLOAT
    container.add_node("Cast", last, operator.outputs[0].full_name, to=to)


def _operations(scaler: Any) -> Iterator[tuple[str, Any]]:
    """In scikit-learn's own order: the bits are its."""
    kind = type(scaler).__name__
    if kind == "MinMaxScaler":
        yield "Mul", scaler.scale_
        yield "Add", scaler.min_
        if scaler.clip:
            yield "Max", [float(scaler.feature_range[0])]
            yield "Min", [float(scaler.feature_range[1])]
        return
    centre = {"StandardScaler": "mean_", "RobustScaler": "center_"}.get(kind)
    wanted = {"StandardScaler": "with_mean", "RobustScaler": "with_centering"}.get(kind)
    if centre and getattr(scaler, str(wanted)):
        yield "Sub", getattr(scaler, centre)
    if scaler.scale_ is not None:
        yield "Div", scaler.scale_
