"""skl2onnx's own converters, given doubles: distances in floats put another neighbour first, or another centre."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from aimass.formats.converters._sklearn_trees import doubles

Convert = Callable[[Any, Any, Any], None]


def converters_in_doubles() -> Mapping[type, Convert]:
    """By class of scikit-learn."""
    from skl2onnx.operator_converters import gaussian_process as processes
    from skl2onnx.operator_converters import k_means
    from skl2onnx.operator_converters import nearest_neighbours as near
    from sklearn import cluster, gaussian_process, neighbors

    means = _in_doubles(k_means.convert_sklearn_kmeans)
    return {
        cluster.KMeans: means,
        cluster.MiniBatchKMeans: means,
        gaussian_process.GaussianProcessRegressor: _in_doubles(processes.convert_gaussian_process_regressor),
        neighbors.KNeighborsClassifier: _in_doubles(near.convert_nearest_neighbors_classifier),
        neighbors.KNeighborsRegressor: _in_doubles(near.convert_nearest_neighbors_regressor),
    }


def _in_doubles(convert: Convert) -> Convert:
    """The converter between casts to doubles and back to floats."""

    def converted(scope: Any, operator: Any, container: Any) -> None:
        from onnx import TensorProto
        from skl2onnx.common._topology import Variable
        from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

        given, answers = doubles(scope, operator, container), []
        for one in operator.outputs:
            if isinstance(one.type, FloatTensorType):
                name = scope.get_unique_variable_name("in_doubles")
                container.add_node("Cast", name, one.full_name, to=TensorProto.FLOAT)
                one = Variable(name, name, scope.name, DoubleTensorType(one.type.shape))
            answers.append(one)
        table = Variable(given, given, scope.name, DoubleTensorType([None, operator.raw_operator.n_features_in_]))
        inner = SimpleNamespace(inputs=[table], outputs=answers, raw_operator=operator.raw_operator)
        convert(scope, inner, container)
        if getattr(operator.raw_operator, "weights", None) == "distance":
            _repair_weights(container)

    return converted


def _repair_weights(container: Any) -> None:
    """Weights are one by the distance; skl2onnx turns its sign, and cuts all below zero to the same.

    A distance is the greater of itself and -1.
    """
    found = {node.output[0] for node in container.nodes if node.op_type == "TopK"}
    for node in container.nodes:
        if node.op_type == "Mul" and node.input[0] in found:
            node.op_type = "Max"
