"""Models as users have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from aimass.domain.model import TensorSpec
from aimass.sandbox.verify import verify_folder
from tests.unit.sandbox.conftest import LIMITS, Verify
from tests.unit.sandbox.graphs import INT64, add_external, external, model, node, relu, value, weight, write

ELEMENTS = {
    "BOOL": TensorProto.BOOL,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
}


def test_it_describes_and_measures(verify: Verify, tmp_path: Path) -> None:
    verified = verify(relu(["n", 3]))
    assert verified.inputs == (TensorSpec("x", "FP32", (-1, 3), "tensor(float)"),)
    assert verified.outputs == (TensorSpec("y", "FP32", (-1, 3), "tensor(float)"),)
    measured = verified.measurements
    assert measured.load_ms > 0
    assert 0 < measured.memory_bytes < 200 << 20
    assert 0 < measured.p50_ms <= measured.p99_ms
    assert measured.runs == 50
    assert measured.onnxruntime == onnxruntime.__version__
    assert verified.optimized == (verified.optimized_main,) == ("optimized/model.onnx",)
    assert (tmp_path / "model/optimized/model.onnx").is_file()
    assert verified.optimized_note is None


def test_memory_grows_with_the_weights(verify: Verify) -> None:
    size = 32 << 20
    large = np.random.default_rng(0).random((size // 4 // 64, 64), np.float32)
    nodes = [node("MatMul", ["x", "w"], ["y"])]
    verified = verify(model(nodes, [value("x", ["n", len(large)])], [value("y", ["n", 64])], [weight("w", large)]))
    assert size < verified.measurements.memory_bytes < 5 * size


def test_every_element_type_is_made_up_and_run(verify: Verify) -> None:
    inputs = [value(f"in_{name}", ["n", 2], element) for name, element in ELEMENTS.items()]
    outputs = [value(f"out_{name}", ["n", 2], element) for name, element in ELEMENTS.items()]
    nodes = [node("Identity", [f"in_{name}"], [f"out_{name}"]) for name in ELEMENTS]
    verified = verify(model(nodes, inputs, outputs))
    assert [(spec.name, spec.datatype) for spec in verified.inputs] == [(f"in_{name}", name) for name in ELEMENTS]
    assert [spec.datatype for spec in verified.outputs] == list(ELEMENTS)


def test_bfloat16_runs_though_numpy_lacks_it(verify: Verify) -> None:
    proto = model([node("Identity", ["x"], ["y"])], [value("x", ["n"], 16)], [value("y", ["n"], 16)])
    verified = verify(proto)
    assert verified.inputs[0].datatype == verified.outputs[0].datatype == "BF16"
    assert verified.optimized


def test_scalars_have_no_dimensions(verify: Verify) -> None:
    verified = verify(relu([]))
    assert verified.inputs[0].shape == verified.outputs[0].shape == ()


@pytest.mark.parametrize("opset", [7, 11, 13, 17, 21, 24])
def test_opsets_old_and_new_run(verify: Verify, opset: int) -> None:
    proto = relu()
    proto.opset_import[0].version = opset
    assert verify(proto).outputs[0].name == "y"


def test_weights_listed_among_the_inputs_are_not_asked_for(verify: Verify) -> None:
    proto = model(
        [node("Add", ["x", "w"], ["y"])],
        [value("x"), value("w")],
        [value("y")],
        [weight("w", np.ones(2, np.float32))],
        opset={"": 7},
        ir_version=3,
    )
    assert [spec.name for spec in verify(proto).inputs] == ["x"]


@pytest.mark.parametrize("name", ["serving_default_x:0", "a/b/c", "two words", "größe", '{"0": "x"}', "x\ty", "日本"])
def test_odd_names_are_kept(verify: Verify, name: str) -> None:
    proto = model([node("Relu", [name], [f"{name} out"])], [value(name)], [value(f"{name} out")])
    verified = verify(proto)
    assert (verified.inputs[0].name, verified.outputs[0].name) == (name, f"{name} out")


def test_a_zipmap_answers_a_sequence_of_maps(verify: Verify) -> None:
    maps = helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    proto = model(
        [node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[0, 1])],
        [value("x", ["n", 2])],
        [helper.make_value_info("y", helper.make_sequence_type_proto(maps))],
        opset={"": 17, "ai.onnx.ml": 1},
    )
    assert verify(proto).outputs == (TensorSpec("y", "BYTES", (-1,), "seq(map(int64,tensor(float)))"),)


def test_a_map_is_made_up(verify: Verify) -> None:
    words = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    vectorizer = node("DictVectorizer", ["x"], ["y"], domain="ai.onnx.ml", string_vocabulary=["a", "b"])
    inputs, imports = [helper.make_value_info("x", words)], {"": 17, "ai.onnx.ml": 1}
    assert verify(model([vectorizer], inputs, [value("y", [1, 2])], opset=imports)).inputs[0].datatype == "BYTES"


def test_a_sequence_is_made_up_of_tensors_of_a_rank_that_runs(verify: Verify) -> None:
    proto = model(
        [
            node("SequenceAt", ["x", "zero"], ["first"]),
            node("MatMul", ["first", "w"], ["y"]),
        ],
        [helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, ["n", 8])],
        [value("y", None)],
        [weight("w", np.ones((8, 3), np.float32)), weight("zero", np.array(0))],
    )
    verified = verify(proto)
    assert verified.inputs[0].onnx_type == "seq(tensor(float))"


def test_an_optional_input_is_made_up(verify: Verify) -> None:
    maybe = helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [2]))
    proto = model([node("OptionalHasElement", ["x"], ["y"])], [helper.make_value_info("x", maybe)], [])
    proto.graph.output.append(value("y", [], TensorProto.BOOL))
    assert verify(proto).inputs[0].onnx_type == "optional(tensor(float))"


def test_a_model_without_inputs_runs(verify: Verify) -> None:
    verified = verify(model([node("Identity", ["w"], ["y"])], [], [value("y")], [weight("w", np.ones(2, np.float32))]))
    assert verified.inputs == ()


def test_an_output_of_another_shape_than_declared_is_described_as_it_is(verify: Verify) -> None:
    proto = model([node("Relu", ["x"], ["y"])], [value("x", ["n", 4])], [value("y", ["n", 5])])
    assert verify(proto).outputs[0].shape == (-1, -1)
    reshaped = model(
        [node("Reshape", ["x", "shape"], ["y"])],
        [value("x", [4]), value("shape", [2], INT64)],
        [value("y", [None])],
        [weight("shape", np.array([2, 2]))],
    )
    assert verify(reshaped).outputs[0].shape == (-1, -1)


def test_an_input_whose_rank_is_not_declared_is_found(verify: Verify) -> None:
    proto = model(
        [node("Conv", ["x", "w"], ["y"])],
        [value("x", None)],
        [value("y", None)],
        [weight("w", np.ones((4, 3, 3, 3), np.float32))],
    )
    verified = verify(proto)
    assert (verified.inputs[0].shape, verified.outputs[0].shape) == ((-1,) * 4, (-1,) * 4)


@pytest.mark.parametrize("features", [1, 3, 30, 64, 784, 9001])
def test_the_number_of_features_is_found(verify: Verify, features: int) -> None:
    proto = model(
        [node("MatMul", ["x", "w"], ["y"])],
        [value("x", [None, None])],
        [value("y", [None, 2])],
        [weight("w", np.ones((features, 2), np.float32))],
    )
    assert verify(proto).inputs[0].shape == (-1, -1)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_of_unknown_size_is_found(verify: Verify, channels: int) -> None:
    proto = model(
        [node("Conv", ["x", "w"], ["y"], strides=[16, 16])],
        [value("x", ["n", "c", "h", "w_"])],
        [value("y", None)],
        [weight("w", np.ones((4, channels, 16, 16), np.float32))],
    )
    assert verify(proto).inputs[0].shape == (-1, -1, -1, -1)


def test_dimensions_of_one_name_have_one_size(verify: Verify) -> None:
    proto = model(
        [node("Concat", ["a", "b"], ["c"], axis=0), node("Add", ["a", "b"], ["d"])],
        [value("a", ["batch", "tokens"]), value("b", ["batch", "tokens"])],
        [value("c", None), value("d", None)],
    )
    assert verify(proto).measurements.runs == 50


def test_whole_numbers_are_valid_indices(verify: Verify) -> None:
    proto = model(
        [node("Gather", ["table", "token"], ["one"]), node("Gather", ["single", "kind"], ["other"])],
        [value("token", ["n"], INT64), value("kind", ["n"], INT64)],
        [value("one", None), value("other", None)],
        [weight("table", np.ones((2, 4), np.float32)), weight("single", np.ones((1, 4), np.float32))],
    )
    assert len(verify(proto).inputs) == 2


def test_external_data_is_read_and_the_folder_stays_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, add_external("data/w.bin", offset=4, length=8), "odd name.ort")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/w.bin").write_bytes(bytes(4) + np.ones(2, np.float32).tobytes())
    verified = verify_folder(tmp_path, "odd name.ort", None, LIMITS, 20)
    assert verified.optimized == ("optimized/model.onnx",)
    assert {path.name for path in tmp_path.iterdir()} == {"odd name.ort", "data", "optimized"}


def test_a_models_own_folder_called_optimized_is_left_alone(tmp_path: Path) -> None:
    weights = tmp_path / "optimized/w.bin"
    weights.parent.mkdir()
    weights.write_bytes(bytes(8))
    write(tmp_path, add_external("optimized/w.bin"))
    assert verify_folder(tmp_path, "model.onnx", None, LIMITS, 20).optimized_main == "optimized_/model.onnx"
    assert weights.read_bytes() == bytes(8)


def test_the_optimised_graph_holds_what_was_folded(verify: Verify, tmp_path: Path) -> None:
    chain = [node("Identity", ["x"], ["a"]), node("Identity", ["a"], ["b"]), node("Relu", ["b"], ["y"])]
    verify(model(chain, [value("x")], [value("y")]))
    session = onnxruntime.InferenceSession(tmp_path / "model/optimized/model.onnx")
    sample = np.array([-1, 2], np.float32)
    np.testing.assert_array_equal(session.run(None, {"x": sample})[0], [0, 2])


def test_a_graph_that_folding_blows_up_is_not_used(verify: Verify) -> None:
    shape = weight("shape", np.array([4 << 20]))
    nodes = [node("ConstantOfShape", ["shape"], ["large"]), node("Add", ["x", "large"], ["y"])]
    verified = verify(model(nodes, [value("x", [1])], [value("y", None)], [shape]))
    assert verified.optimized == ()
    assert verified.optimized_main is None
    assert "the optimised graph takes 1677" in (verified.optimized_note or "")


def test_a_model_that_answers_at_random_gets_no_optimised_graph(verify: Verify) -> None:
    verified = verify(model([node("RandomNormalLike", ["x"], ["y"])], [value("x")], [value("y")]))
    assert verified.optimized == ()
    assert verified.optimized_note == "not optimised: the model answers differently each time"


def test_the_optimised_graph_has_external_data_of_its_own(tmp_path: Path) -> None:
    proto = model(
        [node("Gather", ["w", "x"], ["y"])],
        [value("x", ["n"], INT64)],
        [value("y", None)],
        [external("w", [100, 16], "w.bin")],
    )
    write(tmp_path, proto)
    (tmp_path / "w.bin").write_bytes(bytes(6400))
    verified = verify_folder(tmp_path, "model.onnx", None, LIMITS, 20)
    assert verified.optimized == ("optimized/model.onnx", "optimized/model.onnx.data")
    (tmp_path / "w.bin").unlink()
    assert onnxruntime.InferenceSession(tmp_path / verified.optimized[0]).run(None, {"x": [1]})[0].shape == (1, 16)
