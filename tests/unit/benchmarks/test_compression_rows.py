import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from benchmarks.compression.rows import data_in, reading_by


@pytest.fixture
def recurrent(tmp_path):
    """A score for each frame of one recording, as a voice detector gives them."""
    inputs = [helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["length", 4])]
    outputs = [helper.make_tensor_value_info("speech", TensorProto.FLOAT, ["length"])]
    nodes = [helper.make_node("ReduceMean", ["frames", "axis"], ["speech"], keepdims=0)]
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(nodes, "voice", inputs, outputs, [axis])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def saved(folder, **arrays):
    np.savez(folder / "rows.npz", **arrays)
    return folder / "rows.npz"


def test_rows_with_one_dimension_more_are_whole_calls(recurrent, tmp_path):
    frames, labels = np.zeros((5, 7, 4), np.float32), np.zeros((5, 7), np.int64)
    data = data_in(saved(tmp_path, frames=frames, labels=labels), recurrent)
    assert data.whole
    assert len(data) == 5
    assert reading_by(recurrent, data).kind == "one column"


def test_rows_of_the_inputs_own_rank_share_a_call(recurrent, tmp_path):
    data = data_in(saved(tmp_path, frames=np.zeros((5, 4)), labels=np.zeros(5, np.int64)), recurrent)
    assert not data.whole
    assert data.inputs["frames"].dtype == np.float32


def test_texts_are_no_labels_that_an_output_is_compared_with(recurrent, tmp_path):
    data = data_in(saved(tmp_path, frames=np.zeros((2, 4)), labels=np.array(["one", "two"])), recurrent)
    assert data.labels is None
