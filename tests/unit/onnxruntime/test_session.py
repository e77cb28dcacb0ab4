import json
import subprocess
import sys
import time

import numpy as np
import onnxruntime as ort
import pytest

from aimass.adapters.onnxruntime.session import OnnxRuntime
from aimass.domain.errors import InvalidArguments, PredictionFailed, PredictionTimeout
from aimass.inference.folders import ModelFolders
from aimass.inference.sessions import Sessions
from tests.unit.inference.models import ELEMENTS, echo, exclaimed, numbers_of, optional, scaled, sequence, shift
from tests.unit.inference.plane import TENANT, Shelf, variant
from tests.unit.sandbox.graphs import add_external, endless_loop, relu, write

NUMBERS = [name for name in ELEMENTS if name != "BYTES"]


@pytest.fixture
def opened(tmp_path):
    return lambda model: OnnxRuntime(threads=1).open(write(tmp_path, model))


@pytest.mark.parametrize("datatype", NUMBERS)
def test_every_datatype_goes_in_and_out_unchanged(opened, datatype):
    array = np.array([[1, 0], [1, 1]]).astype(numbers_of(datatype))
    (back,) = opened(echo(datatype)).run({f"x_{datatype}": array}, [f"y_{datatype}"], 5)
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()
    assert back.shape == (2, 2)


def test_a_model_in_the_runtimes_own_format_is_opened_whatever_it_is_called(tmp_path):
    options = ort.SessionOptions()
    options.add_session_config_entry("session.save_model_format", "ORT")
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    ort.InferenceSession(str(write(tmp_path, relu())), options)
    (tmp_path / "model.ort").rename(tmp_path / "model.onnx")
    (back,) = OnnxRuntime(threads=1).open(tmp_path / "model.onnx").run({"x": np.array([-1, 2], np.float32)}, ["y"], 5)
    assert back.tolist() == [0, 2]


def test_a_model_is_opened_by_its_content_where_its_name_says_otherwise(tmp_path):
    session = OnnxRuntime(threads=1).open(write(tmp_path, relu(), "model.ort"))
    assert session.run({"x": np.array([-1, 2], np.float32)}, ["y"], 5)[0].tolist() == [0, 2]


def test_strings_of_any_text_go_in_and_out(opened):
    texts = np.array([["a\0b\0", "é😀"], ["", "q"]], object)
    (back,) = opened(echo("BYTES")).run({"x_BYTES": texts}, ["y_BYTES"], 5)
    assert back.tolist() == texts.tolist()


def test_bytes_that_the_runtime_would_harm_are_refused(opened):
    with pytest.raises(InvalidArguments, match="x_BYTES"):
        opened(echo("BYTES")).run({"x_BYTES": np.array([b"\xff\0"], object)}, ["y_BYTES"], 5)


def test_bytes_that_the_runtime_cannot_hand_out_are_named(opened):
    with pytest.raises(PredictionFailed, match="not UTF-8"):
        opened(echo("BYTES")).run({"x_BYTES": np.array([b"\xff"], object)}, ["y_BYTES"], 5)


def test_bfloat16_beside_another_datatype(opened):
    model = echo("BF16", "INT64")
    feed = {"x_BF16": np.array([1.5]).astype(numbers_of("BF16")), "x_INT64": np.array(7)}
    brain, whole = opened(model).run(feed, ["y_BF16", "y_INT64"], 5)
    assert (float(brain[0]), int(whole)) == (1.5, 7)


def test_sequences_and_optionals_go_in_and_out(opened):
    parts = [np.ones(2, np.float32), np.zeros(1, np.float32)]
    joined, same = opened(sequence()).run({"s": parts}, ["joined", "same"], 5)
    assert joined.tolist() == [1, 1, 0]
    assert [one.tolist() for one in same] == [[1, 1], [0]]
    assert opened(optional()).run({}, ["there", "same"], 5) == [np.array(False), None]


def test_outputs_come_in_the_order_asked_for(opened):
    feed = {f"x_{one}": np.array([1], numbers_of(one)) for one in ("FP32", "INT8")}
    first, second = opened(echo("FP32", "INT8")).run(feed, ["y_INT8", "y_FP32"], 5)
    assert (first.dtype, second.dtype) == (np.int8, np.float32)


def test_a_prediction_that_never_ends_is_ended_and_the_next_is_answered(tmp_path):
    runtime = OnnxRuntime(threads=1)
    endless = runtime.open(write(tmp_path, endless_loop(), "endless.onnx"))
    quick = runtime.open(write(tmp_path, scaled(), "quick.onnx"))
    for seconds in (0.4, 0.2):
        with pytest.raises(PredictionTimeout, match=f"longer than {seconds} s"):
            endless.run({"x": np.ones(1, np.float32)}, ["y"], seconds)
    assert quick.run({"x": np.ones((1, 4), np.float32)}, ["y"], 5)[0].tolist() == [[2, 2, 2, 2]]


def test_a_run_that_ended_in_time_is_not_ended_later(opened):
    session = opened(scaled())
    for _ in range(5):
        session.run({"x": np.ones((1, 4), np.float32)}, ["y"], 0.05)
        time.sleep(0.03)


def test_what_the_runtime_refuses_comes_with_its_reason_and_no_path(opened):
    with pytest.raises(PredictionFailed) as caught:
        opened(shift()).run({"x": np.ones(2, np.float32), "k": np.ones(3, np.float32)}, ["y"], 5)
    assert caught.value.message.startswith("the runtime refused: Non-zero status code returned while running Add node")
    assert caught.value.message.endswith("2 by 3")
    assert "/onnxruntime" not in caught.value.message


def test_a_file_that_does_not_open_is_refused_without_its_path(tmp_path, capfd):
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(PredictionFailed) as caught:
        OnnxRuntime(threads=1).open(tmp_path / "model.onnx")
    assert str(tmp_path) not in caught.value.message
    assert capfd.readouterr() == ("", "")


def test_weights_in_a_folder_beside_the_graph_are_found(tmp_path):
    shelf = Shelf()
    graph, weights = add_external("weights/w.bin").SerializeToString(), np.array([10, 20], np.float32).tobytes()
    files = shelf.store({"model.onnx": graph, "weights/w.bin": weights})
    sessions = Sessions(OnnxRuntime(threads=1), ModelFolders(tmp_path, shelf, 1_000_000), 1_000_000)
    found = sessions.session(TENANT, variant(files)).run({"x": np.ones(2, np.float32)}, ["y"], 5)
    assert found[0].tolist() == [11, 21]


def test_the_optimized_graph_is_opened_only_by_the_runtime_that_made_it():
    shelf = Shelf()
    original, optimized = shelf.store({"model.onnx": b"a"}), shelf.store({"optimized.onnx": b"b"})
    made_here = variant(original, optimized)
    made_elsewhere = variant(original, optimized)
    object.__setattr__(made_elsewhere.measurements, "onnxruntime", "1.0.0")
    runtime = OnnxRuntime(threads=1)
    assert runtime.files_of(made_here) == optimized
    assert runtime.files_of(made_elsewhere) == original
    assert runtime.files_of(variant(original)) == original


def test_a_prediction_beyond_the_memory_fails_and_the_next_is_answered():
    command = [sys.executable, "-m", "tests.unit.onnxruntime.limited", "900"]
    done = subprocess.run(command, capture_output=True, timeout=60, text=True)
    assert done.returncode == 0, done.stderr
    refused = "out of memory"
    expected = [20.0, refused, 20.0, refused, refused, 1e8, 20.0, [[2, 2, 2, 2]]]
    assert json.loads(done.stdout) == expected


def test_the_runtime_reports_nothing_to_its_maker(tmp_path):
    program = (
        "import aimass.adapters.onnxruntime.session as adapter, os, sys; from pathlib import Path;"
        "adapter.OnnxRuntime(1).open(Path(sys.argv[1])); print(len(os.listdir('/proc/self/task')))"
    )
    environment = {"HOME": str(tmp_path / "home"), "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", program, str(write(tmp_path, scaled()))]
    done = subprocess.run(command, capture_output=True, timeout=60, text=True, check=True, env=environment)
    assert done.stdout.strip() == "1"
    assert not (tmp_path / "home").exists()


def test_string_operators_run(opened):
    texts = np.array(["a", "é"], object)
    assert opened(exclaimed()).run({"s": texts}, ["loud_bytes"], 5)[0].tolist() == ["a!", "é!"]
