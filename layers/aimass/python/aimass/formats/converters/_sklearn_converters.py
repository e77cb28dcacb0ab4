"""Converters that skl2onnx is given beside its own, or in their place, where its own answer otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from aimass.formats.converters._sklearn_calibrated import convert_calibrated
from aimass.formats.converters._sklearn_doubles import converters_in_doubles
from aimass.formats.converters._sklearn_imputers import convert_imputer, with_empty_texts
from aimass.formats.converters._sklearn_inputs import everything
from aimass.formats.converters._sklearn_scalers import operations
from aimass.formats.converters._sklearn_trees import convert_boosted, convert_forest, convert_histogram, doubles

_BOTH = [True, False]
_OPTIONS = {"zipmap": _BOTH, "nocl": _BOTH, "output_class_labels": _BOTH, "raw_scores": _BOTH}


def own_converters() -> dict[type, Any]:
    """By class: in doubles, as scikit-learn computes, for a last bit decides which way a tree goes."""
    from skl2onnx.operator_converters.one_hot_encoder import convert_sklearn_one_hot_encoder
    from skl2onnx.operator_converters.target_encoder import convert_sklearn_target_encoder
    from sklearn import calibration, ensemble, impute, preprocessing, tree

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
        **converters_in_doubles(),
        calibration.CalibratedClassifierCV: convert_calibrated,
        impute.SimpleImputer: convert_imputer,
        preprocessing.OneHotEncoder: with_empty_texts(convert_sklearn_one_hot_encoder),
        preprocessing.TargetEncoder: with_empty_texts(convert_sklearn_target_encoder),
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
    for kind, values in operations(operator.raw_operator):
        constant, after = scope.get_unique_variable_name("values"), scope.get_unique_variable_name("exact")
        container.add_initializer(constant, TensorProto.DOUBLE, list(np.shape(values)), np.ravel(values).tolist())
        container.add_node(kind, [last, constant], after)
        last = after
    double = isinstance(operator.outputs[0].type, DoubleTensorType)
    to = TensorProto.DOUBLE if double else TensorProto.FLOAT
    container.add_node("Cast", last, operator.outputs[0].full_name, to=to)
