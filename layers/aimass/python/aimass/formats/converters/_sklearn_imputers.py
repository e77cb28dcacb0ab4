"""Missing texts in scikit-learn's imputers and encoders: an ONNX model has an empty text for NaN and None.

skl2onnx fills in only a missing value that is a text itself, and has the category NaN as the text `nan`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from aimass.formats.converters._sklearn_columns import fills_texts, is_none
from aimass.formats.converters._sklearn_trees import table


def convert_imputer(scope: Any, operator: Any, container: Any) -> None:
    """As skl2onnx calls a converter."""
    from onnx import TensorProto
    from skl2onnx.operator_converters.imputer_op import convert_sklearn_imputer

    imputer = operator.raw_operator
    if not fills_texts(imputer):
        convert_sklearn_imputer(scope, operator, container)
        return
    given = table(scope, operator, container)
    empty, missing, fill = (scope.get_unique_variable_name(name) for name in ("empty", "missing", "fill"))
    container.add_node(
        "LabelEncoder", [given], [empty],
        op_domain="ai.onnx.ml", op_version=2, keys_strings=[""], values_int64s=[1], default_int64=0,
    )  # fmt: skip
    container.add_node("Cast", [empty], [missing], to=TensorProto.BOOL)
    filled = [str(value).encode() for value in imputer.statistics_]
    container.add_initializer(fill, TensorProto.STRING, [1, len(filled)], filled)
    container.add_node("Where", [missing, fill, given], [operator.outputs[0].full_name])


def with_empty_texts(convert: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any, Any], None]:
    """skl2onnx's converter of an encoder, given categories without NaN and None."""

    def converted(scope: Any, operator: Any, container: Any) -> None:
        encoder = copy.copy(operator.raw_operator)
        encoder.categories_ = [_filled(one) if one.dtype.kind == "O" else one for one in encoder.categories_]
        inner = copy.copy(operator)
        inner.raw_operator = encoder
        convert(scope, inner, container)

    return converted


def _filled(categories: Any) -> Any:
    return np.array(["" if is_none(value) else value for value in categories], object)
