from __future__ import annotations

import io
import logging
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from aimass.compression.contract import Ask, NotApplicable, Options, Rows, Work
from aimass.compression.model_file import divergence
from aimass.compression.passes import clean
from aimass.compression.passes._quantizer import flatten_biases, run_quantizer
from aimass.compression.passes.int8_static import PASS
from aimass.compression.profile import profile_of
from tests.unit.compression.quantizing import both, images, model, normal, operators, value, words, work


def proposals(done: Work) -> list[Options]:
    return list(PASS.propose(done.profile, Ask(rows=len(done.rows))))


def cleaned(folder: Path) -> Work:
    done = work(folder, *images())
    clean.PASS.apply(replace(done, target=folder / "clean.onnx"), {})
    return replace(done, source=folder / "clean.onnx", profile=profile_of(folder / "clean.onnx"))


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_convolutional_net_is_a_third_and_answers_nearly_the_same(tmp_path: Path, at: int) -> None:
    done = cleaned(tmp_path)
    applied = PASS.apply(done, proposals(done)[at])
    assert len(applied.units) == 3
    assert sum(unit.weight for unit in applied.units) == pytest.approx(1, abs=0.02)
    assert divergence(*both(done)) < 0.1


def test_a_first_layer_over_grey_pictures_alone_stays_in_floats(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "grey"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "each"], ["c"], name="depthwise", pads=[1, 1, 1, 1], group=32),
        helper.make_node("Conv", ["c", "few"], ["d"], name="narrow"),
        helper.make_node("Conv", ["d", "all"], ["y"], name="last"),
    ]
    weights = {"grey": normal(32, 1, 3, 3), "each": normal(32, 1, 3, 3), "few": normal(8, 32, 1, 1)}
    weights["all"] = normal(1200, 8, 1, 1)
    made = model(nodes, [value("x", ["n", 1, 8, 8])], [value("y", ["n", 1200, 8, 8])], weights)
    done = work(tmp_path, made, Rows({"x": normal(16, 1, 8, 8)}))
    applied = PASS.apply(done, proposals(done)[0])
    assert {unit.name for unit in applied.units} == {"depthwise", "narrow", "last"}


def test_weights_keep_to_seven_bits_so_that_sums_never_saturate(tmp_path: Path) -> None:
    done = cleaned(tmp_path)
    PASS.apply(done, proposals(done)[0])
    whole = [numpy_helper.to_array(one) for one in onnx.load(done.target).graph.initializer if one.data_type == 3]
    assert max(int(np.abs(array.astype(int)).max()) for array in whole if array.size > 1) <= 64


def test_a_spared_layer_stays_as_it_was_with_what_follows_it(tmp_path: Path) -> None:
    done = cleaned(tmp_path)
    options = proposals(done)[0]
    units = PASS.apply(done, options).units
    lost = divergence(*both(done))
    after = PASS.apply(done, {**options, "spare": [units[1].name]})
    assert {unit.name for unit in after.units} == {unit.name for unit in units} - {units[1].name}
    assert f"{units[1].name}: left in 32 bits" in after.notes
    kinds = {node.name: node for node in onnx.load(done.target).graph.node}
    weight = kinds[units[1].name].input[1]
    assert any(tensor.name == weight and tensor.data_type == 1 for tensor in onnx.load(done.target).graph.initializer)
    assert divergence(*both(done)) < lost


def test_sparing_every_layer_leaves_nothing_to_do(tmp_path: Path) -> None:
    done = cleaned(tmp_path)
    options = proposals(done)[0]
    names = [unit.name for unit in PASS.apply(done, options).units]
    with pytest.raises(NotApplicable, match="no layer left"):
        PASS.apply(done, {**options, "spare": names})


def test_the_same_gives_the_same_bytes_in_another_folder(tmp_path: Path) -> None:
    made = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        done = cleaned(tmp_path / name)
        PASS.apply(done, proposals(done)[2])
        made.append(done.target.read_bytes())
    assert made[0] == made[1]


def test_a_mask_of_the_smallest_float_takes_no_layer_with_it(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("Flatten", ["c"], ["f"], "flat"),
        helper.make_node("Gemm", ["f", "g"], ["h"], "gemm"),
        helper.make_node("Add", ["h", "mask"], ["m"], "mask"),
        helper.make_node("Softmax", ["m"], ["y"], "softmax"),
    ]
    mask = np.where(np.arange(10) < 5, 0, np.finfo(np.float32).min).astype(np.float32)
    weights = {"w": normal(32, 3, 3, 3, scale=0.2), "g": normal(32 * 36, 10, seed=1, scale=0.02), "mask": mask}
    made = model(nodes, [value("x", ["n", 3, 8, 8])], [value("y", ["n", 10])], weights)
    done = work(tmp_path, made, Rows({"x": normal(32, 3, 8, 8)}))
    PASS.apply(done, proposals(done)[0])
    assert divergence(*both(done)) < 0.1


def test_embeddings_of_a_text_model_are_packed_too(tmp_path: Path) -> None:
    done = work(tmp_path, *words())
    applied = PASS.apply(done, proposals(done)[0])
    assert [unit.name for unit in applied.units] == ["first", "second", "look-up"]
    assert done.target.stat().st_size < 0.4 * done.source.stat().st_size
    assert divergence(*both(done)) < 0.1


def test_names_that_the_quantizer_would_make_again_are_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "one"),
        helper.make_node("Mul", ["h", "w_scale"], ["y"], "two"),
    ]
    weights = {"w": normal(96, 96), "w_scale": normal(96)}
    made = model(nodes, [value("x", ["n", 96])], [value("y", ["n", 96])], weights)
    done = work(tmp_path, made, Rows({"x": normal(32, 96)}))
    with pytest.raises(NotApplicable):
        PASS.apply(done, proposals(done)[0])


def biased(**readers: list[str]) -> Any:
    """Two Gemms with biases of [1, N], as the runtime's fusions write them; `readers` read more of them."""
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"], "one"),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w2", "b2"], ["y"], "two"),
        *(helper.make_node(kind, inputs, [f"{kind}_out"]) for kind, inputs in readers.items()),
    ]
    weights = {
        "w1": normal(96, 96, scale=0.1),
        "w2": normal(96, 8, seed=1, scale=0.1),
        "b1": normal(1, 96, seed=2),
        "b2": normal(1, 8, seed=3),
    }
    outputs = [value("y", ["n", 8]), *(value(f"{kind}_out", None) for kind in readers)]
    made = model(nodes, [value("x", ["n", 96])], outputs, weights)
    made.graph.value_info.extend([value("b1", [1, 96]), value("h", ["n", 96])])
    return made


def test_biases_as_the_runtimes_own_fusions_write_them_are_quantized(tmp_path: Path) -> None:
    done = work(tmp_path, biased(), Rows({"x": normal(64, 96, seed=4)}))
    applied = PASS.apply(done, proposals(done)[0])
    assert [unit.name for unit in applied.units] == ["one", "two"]
    assert divergence(*both(done)) < 0.1


def test_a_bias_that_others_read_keeps_its_shape() -> None:
    made = biased(Transpose=["b1"])
    flatten_biases(made)
    assert {tensor.name: list(tensor.dims) for tensor in made.graph.initializer if tensor.name[0] == "b"} == {
        "b1": [1, 96],
        "b2": [8],
    }
    assert [one.name for one in made.graph.value_info] == ["b1", "h"]


def test_what_the_quantizer_raises_is_not_told_but_the_operator_is(tmp_path: Path) -> None:
    class Operator:
        node = helper.make_node("Gemm", ["x"], ["y"])

        def quantize(self) -> None:
            raise ValueError("The truth value of an array is ambiguous")

    def fails(*given: Any, **options: Any) -> None:
        Operator().quantize()

    def fails_elsewhere(*given: Any, **options: Any) -> None:
        raise KeyError("b1")

    done = work(tmp_path, biased())
    with pytest.raises(NotApplicable) as told:
        run_quantizer(fails, done.source, done.target)
    assert str(told.value) == "onnxruntime's quantizer does not take this graph, its Gemm"
    with pytest.raises(NotApplicable) as told:
        run_quantizer(fails_elsewhere, done.source, done.target)
    assert str(told.value) == "onnxruntime's quantizer does not take this graph"


def test_what_cannot_gain_is_not_proposed(tmp_path: Path) -> None:
    done = work(tmp_path, *images())
    assert len(proposals(done)) == 3
    assert not PASS.propose(done.profile, Ask(rows=0))
    assert not PASS.propose(done.profile, Ask(rows=64, target="gpu"))
    assert not PASS.propose(replace(done.profile, locked="it is quantized already"), Ask(rows=64))
    assert not PASS.propose(replace(done.profile, kind="recurrent"), Ask(rows=64))
    assert not PASS.propose(replace(done.profile, weights={"Conv": 100}), Ask(rows=64))


def test_nothing_is_printed_and_logging_stays_as_it_was(tmp_path: Path) -> None:
    done = cleaned(tmp_path)
    before, printed = (list(logging.root.handlers), logging.root.manager.disable), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        PASS.apply(done, proposals(done)[2])
    assert printed.getvalue() == ""
    assert (logging.root.handlers, logging.root.manager.disable) == before


def test_quantized_operators_are_what_runs(tmp_path: Path) -> None:
    done = cleaned(tmp_path)
    PASS.apply(done, proposals(done)[0])
    assert operators(done.target).count("DequantizeLinear") > 6
