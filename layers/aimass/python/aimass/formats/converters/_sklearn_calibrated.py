"""scikit-learn's isotonic calibration: it is linear between its thresholds, where skl2onnx takes the nearest one."""

from __future__ import annotations

from typing import Any

import numpy as np


def convert_calibrated(scope: Any, operator: Any, container: Any) -> None:
    """As skl2onnx calls a converter: its own, with one step of it in place of its own."""
    from skl2onnx.operator_converters import calibrated_classifier_cv as module

    module._transform_isotonic = _interpolated
    module.convert_sklearn_calibrated_classifier_cv(scope, operator, container)


def _interpolated(scope: Any, container: Any, model: Any, given: str, k: int, _: Any, kind: int) -> str:
    """The value at the first threshold, and of each stretch between two what lies below the score, times its slope.

    Thresholds are scores of training rows: rounded as the scores are, a score that is one gives its value, zero say.
    """
    from onnx import TensorProto

    calibrator = model.calibrators[k]
    at, value = np.asarray(calibrator.X_thresholds_, float), np.asarray(calibrator.y_thresholds_, float)
    rounded = at.astype(np.float32).astype(np.float64)
    if np.all(np.diff(rounded) > 0):
        at = rounded
    if len(at) == 1:
        at, value = np.append(at, at[0] + 1), np.append(value, value[0])
    width = np.diff(at)

    def constant(numbers: Any) -> str:
        name = str(scope.get_unique_variable_name("isotonic"))
        container.add_initializer(name, TensorProto.DOUBLE, list(np.shape(numbers)), np.ravel(numbers).tolist())
        return name

    def node(operator: str, *inputs: str, **attributes: Any) -> str:
        name = str(scope.get_unique_variable_name("isotonic"))
        container.add_node(operator, list(inputs), name, **attributes)
        return name

    below = node("Sub", node("Cast", given, to=TensorProto.DOUBLE), constant(at[None, :-1]))
    within = node("Min", node("Max", below, constant([0.0])), constant(width[None]))
    rise = node("MatMul", within, constant((np.diff(value) / width)[:, None]))
    to = kind if kind in (TensorProto.FLOAT, TensorProto.DOUBLE) else TensorProto.FLOAT
    return node("Cast", node("Add", rise, constant(value[:1])), to=to)
