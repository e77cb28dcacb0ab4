"""What repair does to the layers of a cut model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from aimass.compression.contract import Rows
from aimass.compression.graph.groups import read_channels
from aimass.compression.graph.running import Running
from aimass.compression.graph.slicing import sliced
from aimass.compression.passes import _least_squares as least
from aimass.compression.passes._repair import Repair, split
from tests.unit.compression.graph.nets import Net, head, image

IMAGES = Rows({"x": np.random.default_rng(2).standard_normal((160, 3, 8, 8)).astype(np.float32)})


def _repair(folder: Path, model: Any, rows: Rows, gone: int = 8) -> tuple[float, float, onnx.ModelProto]:
    """Mean squares of errors, bare and repaired, on rows that are not those repaired on; the repaired model."""
    read = read_channels(model)
    kept = read.without(read.groups[0].roots[:gone])
    repaired = sliced(read, kept)
    Repair(read, kept, repaired, rows, folder).run()
    new = {name: np.roll(value, 1, axis=-1) for name, value in rows.inputs.items() if value.dtype.kind == "f"}
    feed = {**rows.inputs, **new}
    true, bare, best = (Running(one, folder)(feed)[0] for one in (read.graph.model, sliced(read, kept), repaired))
    return float(np.square(bare - true).mean()), float(np.square(best - true).mean()), repaired


def _doubled(net: Net, name: str) -> None:
    """The second half of a layer's channels says what the first does, so the first can go."""
    half = len(net.weights[name]) // 2
    net.weights[name][half:] = net.weights[name][:half] * 1.5


def test_channels_that_others_say_too_are_made_up_for_wholly(tmp_path: Path) -> None:
    net = image()
    x = net.conv("x", 16, name="first", bias=False)
    _doubled(net, "first")
    bare, best, _ = _repair(tmp_path, net.model(head(net, net.conv(net.add("Relu", x), 8))), IMAGES)
    assert bare > 1e-3
    assert best < 1e-4 * bare


def test_a_layer_without_a_bias_gets_one_where_its_answers_moved(tmp_path: Path) -> None:
    net = image()
    x = net.add("Sigmoid", net.conv("x", 16, name="first"))
    second = net.add("Conv", x, net.weight(8, 16, 1, 1, name="second"), width=8)
    bare, best, model = _repair(tmp_path, net.model(head(net, second)), IMAGES)
    assert best < bare / 10
    assert [len(node.input) for node in model.graph.node if "second" in node.input] == [3]


def test_a_depthwise_layer_behind_a_cut_is_solved_as_well(tmp_path: Path) -> None:
    net = image()
    x = net.conv(net.add("Relu", net.conv("x", 16, name="first")), 8, name="second")
    model = net.model(head(net, net.add("Relu", net.conv(x, 8, group=8, name="deep"))))
    _, _, repaired = _repair(tmp_path, model, IMAGES)
    deep = next(tensor for tensor in repaired.graph.initializer if tensor.name == "deep")
    assert not np.array_equal(numpy_helper.to_array(deep), net.weights["deep"])


def test_a_layer_too_wide_for_sums_is_solved_from_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least, "WIDE", 10)
    net = image()
    x = net.conv("x", 16, name="first", bias=False)
    _doubled(net, "first")
    bare, best, _ = _repair(tmp_path, net.model(head(net, net.conv(net.add("Relu", x), 8))), IMAGES)
    assert best < bare / 10


def test_a_bias_that_others_read_is_moved_for_one_layer_alone(tmp_path: Path) -> None:
    net = image()
    shared = net.weight(16)
    first = net.add("Sigmoid", net.add("Conv", "x", net.weight(16, 3, 3, 3, name="first"), shared, width=16))
    second = net.add("Conv", first, net.weight(16, 16, 3, 3), shared, width=16)
    model = net.model(head(net, second))
    bare, best, repaired = _repair(tmp_path, model, IMAGES)
    assert best < bare
    biases = [node.input[2] for node in repaired.graph.node if node.op_type == "Conv"]
    assert len(set(biases)) == 2


def test_a_bias_that_callers_may_replace_keeps_its_layer_as_it_is(tmp_path: Path) -> None:
    net = image()
    first = net.add("Relu", net.conv("x", 16, name="first"))
    bias = net.weight(8, name="given")
    second = net.add("Conv", first, net.weight(8, 16, 1, 1), bias, width=8)
    model = net.model(head(net, second), more=("given",))
    read = read_channels(model)
    assert [group.name for group in read.groups] == []


def test_filling_behind_a_text_does_not_count(tmp_path: Path) -> None:
    net = Net()
    inner = net.add("Relu", net.add("Add", net.add("MatMul", "x", net.weight(8, 32, name="up")), net.weight(32)))
    out = net.add("Add", net.add("MatMul", inner, net.weight(32, 8, name="down")), net.weight(8))
    model = net.model(net.add("LayerNormalization", out, net.weight(8), net.weight(8)), ("n", 6, 8))
    random = np.random.default_rng(4)
    words = random.standard_normal((200, 6, 8)).astype(np.float32)
    mask = np.tile(np.arange(6) < 2, (200, 1))
    words[~mask] = 100 * random.standard_normal(8)
    real = _words_error(tmp_path, model, Rows({"x": words, "attention_mask": mask.astype(np.int64)}), mask)
    assert real < 0.8 * _words_error(tmp_path, model, Rows({"x": words}), mask)


def _words_error(folder: Path, model: onnx.ModelProto, rows: Rows, mask: np.ndarray) -> float:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    *_, repaired = _repair(folder, copy, rows, gone=16)
    true, found = (Running(one, folder)({"x": rows.inputs["x"]})[0] for one in (model, repaired))
    return float(np.square(found - true)[mask].mean())


@pytest.mark.parametrize("whole", [False, True])
def test_every_fifth_row_is_apart_however_rows_are_called(whole: bool) -> None:
    rows = Rows({"x": np.arange(10).reshape(10, 1)}, batch=4, whole=whole)
    fit, apart = (np.concatenate([feed["x"] for feed in part]).ravel() for part in split(rows))
    assert fit.tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    assert apart.tolist() == [4, 9]
