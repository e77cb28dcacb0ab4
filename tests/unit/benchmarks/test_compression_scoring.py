import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from aimass.compression.contract import NotApplicable
from benchmarks.compression.rivals import RivalFailed, made
from benchmarks.compression.rows import data_in
from benchmarks.compression.scoring import Scorer, texts_in

ROWS, COLUMNS, CLASSES = 300, 16, 3


def linear(path, weights):
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", COLUMNS])]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", CLASSES])]
    node = helper.make_node("MatMul", ["x", "w"], ["scores"])
    graph = helper.make_graph([node], "linear", inputs, outputs, [numpy_helper.from_array(weights, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.fixture
def weights():
    return np.random.default_rng(3).normal(size=(COLUMNS, CLASSES)).astype(np.float32)


@pytest.fixture
def original(tmp_path, weights):
    return linear(tmp_path / "original.onnx", weights)


@pytest.fixture
def test_rows(tmp_path, weights):
    """Labels are what the original answers: it is right on all."""
    rows = np.random.default_rng(4).normal(size=(ROWS, COLUMNS)).astype(np.float32)
    np.savez(tmp_path / "test.npz", x=rows, labels=(rows @ weights).argmax(1))
    return tmp_path / "test.npz"


@pytest.fixture
def scorer(original, test_rows, tmp_path):
    return Scorer(original, test_rows, "accuracy", tmp_path, seconds=0.05)


def test_the_same_model_loses_nothing_and_is_bit_equal(scorer, original):
    score = scorer.score(original)
    assert (scorer.original_value, score.value, score.loss.estimate) == (1.0, 1.0, 0.0)
    assert score.figures.equal
    assert score.figures.smaller == 1.0


def test_a_worse_model_loses_the_share_of_rows_that_it_gets_wrong(scorer, weights, test_rows, tmp_path):
    worse = weights[:, [0, 2, 1]]
    with np.load(test_rows) as arrays:
        lost = float(((arrays["x"] @ worse).argmax(1) != arrays["labels"]).mean())
    score = scorer.score(linear(tmp_path / "worse.onnx", worse))
    assert score.figures.lost == pytest.approx(lost)
    assert score.loss.upper > lost > 0.3
    assert not score.figures.equal


def test_answers_that_are_no_numbers_are_no_score(scorer, weights, tmp_path):
    with pytest.raises(NotApplicable, match="no numbers"):
        scorer.score(linear(tmp_path / "broken.onnx", weights * np.float32(np.nan)))


@pytest.mark.parametrize("rival", ["quantize_dynamic", "quantize_static"])
def test_a_tools_defaults_make_a_model_that_answers(rival, scorer, original, test_rows, tmp_path):
    path = made(rival, original, data_in(test_rows, original), tmp_path / "rivals")
    assert scorer.score(path).value > 0.9


def test_what_a_tool_raises_is_its_result(tmp_path, original, test_rows):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(RivalFailed):
        made("quantize_dynamic", broken, data_in(test_rows, original), tmp_path / "rivals")


def test_text_is_read_without_blanks_and_repeats():
    steps = [1, 1, 0, 1, 2, 3, 0]  # 0 is CTC's blank, 3 the space
    assert texts_in(np.eye(4)[[steps]], ["a", "b"]) == ["aab"]
    assert texts_in(np.eye(4)[[[1, 3, 2]]], ["a", "b"]) == ["a b"]
