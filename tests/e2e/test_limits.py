"""The limits of verify hold at prediction too: such a call fails, others are answered meanwhile."""

import threading
import time

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from tests.e2e.catalogue import doubling_loop, model

pytestmark = pytest.mark.e2e

PREDICTION_SECONDS = 20


def expands():
    """Sums as many ones as the input `shape` says."""
    one = numpy_helper.from_array(np.array([1], np.float32), "one")
    nodes = [h.make_node("Expand", ["one", "shape"], ["big"]), h.make_node("ReduceSum", ["big"], ["y"], keepdims=0)]
    inputs = [h.make_tensor_value_info("shape", T.INT64, [1])]
    return model(nodes, inputs, [h.make_tensor_value_info("y", T.FLOAT, [])], [one], opset=13)


def call(client, name, feed):
    inputs = [
        {"name": key, "shape": list(value.shape), "datatype": kind, "data": value.ravel().tolist()}
        for key, (kind, value) in feed.items()
    ]
    return client.call("POST", f"/v2/models/{name}/infer", json={"inputs": inputs})


def doubled(client, times):
    x = ("FP32", np.ones(1, np.float32))
    return call(client, "counting", {"x": x, "times": ("INT64", np.array(times))})


def test_a_prediction_that_never_returns_is_ended_while_others_are_answered(client):
    assert client.import_model("counting", doubling_loop())["state"] == "succeeded"
    assert doubled(client, 3).json()["outputs"][0]["data"] == [8.0]
    answers = []
    started = time.monotonic()
    endless = threading.Thread(target=lambda: answers.append(doubled(client, 2**62)))
    endless.start()
    time.sleep(1)
    assert doubled(client, 3).json()["outputs"][0]["data"] == [8.0]
    assert not answers, "the endless one is still running"
    endless.join()
    assert answers[0].status_code == 504
    assert "20 s" in answers[0].json()["error"]
    assert time.monotonic() - started >= PREDICTION_SECONDS
    assert doubled(client, 3).status_code == 200


def test_a_prediction_that_asks_for_too_much_memory_is_refused_and_the_next_is_answered(client):
    assert client.import_model("expanding", expands())["state"] == "succeeded"
    greedy = call(client, "expanding", {"shape": ("INT64", np.array([2**34]))})
    assert greedy.status_code == 507
    assert "memory" in greedy.json()["error"]
    assert call(client, "expanding", {"shape": ("INT64", np.array([5]))}).json()["outputs"][0]["data"] == [5.0]


def test_an_answer_that_no_call_can_carry_is_refused_before_it_is_written(client):
    one = numpy_helper.from_array(np.array([1], np.float32), "one")
    inputs = [h.make_tensor_value_info("shape", T.INT64, [1])]
    outputs = [h.make_tensor_value_info("y", T.FLOAT, ["n"])]
    large = model([h.make_node("Expand", ["one", "shape"], ["y"])], inputs, outputs, [one], opset=13)
    assert client.import_model("large-answers", large)["state"] == "succeeded"
    for _ in range(2):
        refused = call(client, "large-answers", {"shape": ("INT64", np.array([500_000_000]))})
        assert refused.status_code == 413, refused.text
        assert "fewer rows" in refused.json()["error"]
    assert call(client, "large-answers", {"shape": ("INT64", np.array([2]))}).json()["outputs"][0]["data"] == [1.0, 1.0]
