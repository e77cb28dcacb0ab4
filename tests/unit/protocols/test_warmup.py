import numpy as np
import onnx
import pytest

from aimass.domain.errors import PredictionFailed
from aimass.inference.builtin import GRAPH, BuiltIn
from aimass.protocols.warmup import NotWarm, warm_up
from tests.unit.inference.plane import predictor, specs_of


def test_every_protocol_is_called_once_or_more(tmp_path):
    calls = []
    plane = predictor(BuiltIn(), tmp_path)

    class Plane:
        def find_version(self, tenant, model, ref):
            return plane.find_version(tenant, model, ref)

        def predict(self, tenant, asked):
            found = plane.predict(tenant, asked)
            calls.append(found.outputs[0][1].tolist())
            return found

    warm_up(Plane())
    assert calls == [[[2.0, 4.0]]] * 4


def test_a_runtime_that_does_not_answer_is_no_deployment(tmp_path):
    class Broken:
        def find_version(self, tenant, model, ref):
            raise PredictionFailed("no kernel for MatMul")

    with pytest.raises(NotWarm, match="no kernel for MatMul"):
        warm_up(Broken())


def test_the_built_in_graph_is_what_its_version_says():
    model = onnx.load_model_from_string(GRAPH)
    onnx.checker.check_model(model, full_check=True)
    version = BuiltIn().latest_version("", "")
    assert specs_of(model) == (version.inputs, version.outputs)
    (weights,) = model.graph.initializer
    assert onnx.numpy_helper.to_array(weights).tolist() == (2 * np.eye(2)).tolist()
