"""Models that must not become a version, each with a reason to act on."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto

from aimass.domain.errors import (
    ExternalDataMissing,
    InvalidModel,
    ModelOutOfMemory,
    ModelTimeout,
    OpsetTooNew,
    SampleNeeded,
    UnknownOperator,
)
from aimass.sandbox.limits import MIB
from tests.unit.sandbox.conftest import LIMITS, Verify
from tests.unit.sandbox.graphs import (
    FLOAT,
    INT64,
    add_external,
    endless_loop,
    hungry,
    model,
    node,
    relu,
    slow_to_load,
    value,
    weight,
)

X, Y = [value("x")], [value("y")]


def with_opset(**versions: int) -> ModelProto:
    proto = relu()
    del proto.opset_import[:]
    for domain, version in versions.items():
        proto.opset_import.add(domain="" if domain == "onnx" else "ai.onnx.ml", version=version)
    return proto


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (model([node("Frobnicate", ["x"], ["y"])], X, Y), "no operator Frobnicate in ai.onnx opset 17"),
        (model([node("Gelu", ["x"], ["y"])], X, Y, opset={"": 11}), "no operator Gelu in ai.onnx opset 11"),
        (
            model([node("Frobnicate", ["x"], ["y"], domain="acme")], X, Y, opset={"": 17, "acme": 1}),
            "no operator Frobnicate of the domain acme",
        ),
        (model([node("Frobnicate", ["x"], ["y"], domain="acme")], X, Y), "no operator Frobnicate of the domain acme"),
        (
            relu(element=TensorProto.BFLOAT16),
            "cannot run operator Relu (opset 14) on a CPU with these element types",
        ),
    ],
)
def test_unknown_operators_are_named(verify: Verify, proto: ModelProto, message: str) -> None:
    with pytest.raises(UnknownOperator, match=re.escape(message)) as caught:
        verify(proto)
    assert caught.value.details["operator"] in message


def test_an_opset_too_new_names_the_highest(verify: Verify) -> None:
    with pytest.raises(OpsetTooNew, match=r"ai\.onnx opset 99; the highest supported is 2\d") as caught:
        verify(with_opset(onnx=99))
    assert caught.value.details["highest"] >= 24


def test_an_opset_too_new_of_another_domain_names_it(verify: Verify) -> None:
    with pytest.raises(OpsetTooNew, match=r"ai\.onnx\.ml opset 99; the highest supported is \d"):
        verify(with_opset(onnx=17, ml=99))


def test_an_ir_version_too_new_names_the_highest(verify: Verify) -> None:
    proto = relu()
    proto.ir_version = 99
    with pytest.raises(OpsetTooNew, match=r"IR version 99; the highest supported is \d+"):
        verify(proto)


def damaged(**changes: object) -> ModelProto:
    proto = relu()
    for name in changes:
        proto.ClearField(name)
    return proto


@pytest.mark.parametrize(
    ("proto", "reason"),
    [
        (
            model([node("And", ["x", "x"], ["y"])], X, Y),
            "Type 'tensor(float)' of input parameter (x) of operator (And)",
        ),
        (model([node("Relu", ["x"], ["y"])], X, [value("y", [2], INT64)]), "does not match expected type"),
        (model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])], X, [value("b")]), "not acyclic"),
        (model([node("Relu", ["x"], ["y"]), node("Abs", ["x"], ["y"])], X, Y), "Duplicate definition of name (y)"),
        (model([node("Relu", ["nope"], ["y"])], X, Y), "'nope' is not a graph input, initializer, or output"),
        (model([node("Relu", ["x"], ["z"])], X, Y), "Graph output (y) does not exist"),
        (model([node("Add", ["x"], ["y"])], X, Y), "has input size 1 not in range"),
        (model([node("Concat", ["x", "x"], ["y"])], X, Y), "Required attribute 'axis' is missing"),
        (model([node("Relu", ["x"], ["y"], wrong=1)], X, Y), "Unrecognized attribute: wrong"),
        (model([node("Relu", ["x"], ["z"])], X, []), "declares no outputs"),
        (damaged(ir_version=None), "Missing model IR version"),
        (
            model(
                [node("DequantizeLinear", ["x", "scale"], ["y"])],
                [value("x", [2], TensorProto.INT4)],
                [value("y")],
                [weight("scale", np.float32(1))],
                opset={"": 21},
            ),
            "'x' has the type tensor(int4), which no request can carry; cast it to another",
        ),
        (
            model(
                [node("Identity", ["x"], ["y"])],
                [value("x", [2], TensorProto.FLOAT8E4M3FN)],
                [value("y", [2], TensorProto.FLOAT8E4M3FN)],
                opset={"": 19},
                ir_version=9,
            ),
            "'x' has the type tensor(float8e4m3fn), which no request can carry; cast it to another",
        ),
        (
            model(
                [node("Cast", ["x"], ["y"], to=TensorProto.FLOAT8E5M2)],
                X,
                [value("y", [2], TensorProto.FLOAT8E5M2)],
                opset={"": 19},
                ir_version=9,
            ),
            "'y' has the type tensor(float8e5m2), which no request can carry; cast it to another",
        ),
        (
            model(
                [node("StringNormalizer", ["x"], ["y"], locale="tlh_QO", case_change_action="LOWER")],
                [value("x", [1], TensorProto.STRING)],
                [value("y", [1], TensorProto.STRING)],
            ),
            "asks for the locale 'tlh_QO', which is not installed; export the model with locale='C.UTF-8'",
        ),
    ],
)
def test_an_invalid_graph_is_refused_with_the_runtimes_reason(
    verify: Verify, tmp_path: Path, proto: ModelProto, reason: str
) -> None:
    with pytest.raises(InvalidModel, match=re.escape(reason)) as caught:
        verify(proto)
    for noise in (str(tmp_path), "onnxruntime_src", "ONNXRuntimeError", ".cc:"):
        assert noise not in caught.value.message


def test_external_data_that_is_not_there_is_refused_without_our_paths(verify: Verify, tmp_path: Path) -> None:
    with pytest.raises(ExternalDataMissing, match=r"w\.bin") as caught:
        verify(add_external("w.bin"))
    assert str(tmp_path) not in caught.value.message


def test_a_model_that_never_returns_is_refused(verify: Verify) -> None:
    with pytest.raises(ModelTimeout, match="one prediction did not return within 1 s") as caught:
        verify(endless_loop(), seconds=1)
    assert caught.value.details == {"seconds": 1}


def test_a_model_that_takes_too_long_in_all_is_refused(verify: Verify) -> None:
    with pytest.raises(ModelTimeout, match="not done within 1 s"):
        verify(endless_loop(), limits=replace(LIMITS, seconds=1))


def load_seconds(proto: ModelProto) -> float:
    """The best of three, so that a busy machine does not pass for a slow model."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    times = []
    for _ in range(3):
        start = time.perf_counter()
        onnxruntime.InferenceSession(proto.SerializeToString(), options)
        times.append(time.perf_counter() - start)
    return min(times)


def test_a_model_that_predicts_in_time_but_loads_too_slowly_is_refused(verify: Verify) -> None:
    proto = slow_to_load(at_random=True)
    limit = load_seconds(proto) * 0.6
    with pytest.raises(ModelTimeout, match=rf"^loading takes [\d.]+ s; at most {limit:g} s$") as caught:
        verify(proto, seconds=limit)
    assert caught.value.details == {"seconds": limit}


def test_a_load_that_goes_on_and_on_is_ended(verify: Verify) -> None:
    proto = slow_to_load(at_random=False)
    limit = load_seconds(proto) * 0.1
    with pytest.raises(ModelTimeout, match=rf"loading takes more than {limit * 3:g} s; at most {limit:g} s") as caught:
        verify(proto, seconds=limit)
    assert caught.value.details == {"seconds": limit}


def test_a_model_whose_optimised_graph_loads_in_time_is_taken(verify: Verify) -> None:
    proto = slow_to_load(at_random=False)
    limit = load_seconds(proto) * 0.6
    verified = verify(proto, seconds=limit)
    assert verified.optimized
    assert verified.measurements.load_ms < limit * 1e3


def test_a_long_name_is_cut_in_the_message_and_the_details(verify: Verify) -> None:
    name = "n" * 300_000
    proto = model([node("Frobnicate", ["x"], ["y"], domain=name)], X, Y, opset={"": 17, name: 1})
    with pytest.raises(UnknownOperator) as caught:
        verify(proto)
    assert "no operator Frobnicate of the domain nnn" in caught.value.message
    assert len(caught.value.message) < 400
    assert len(str(caught.value.details["domain"])) <= 200
    proto = model(
        [node("Cast", ["x"], [name], to=TensorProto.FLOAT8E4M3FN)],
        X,
        [value(name, [2], TensorProto.FLOAT8E4M3FN)],
        opset={"": 19},
        ir_version=9,
    )
    with pytest.raises(InvalidModel, match=r"has the type tensor\(float8e4m3fn\)") as caught_again:
        verify(proto)
    assert len(caught_again.value.message) < 400
    assert len(str(caught_again.value.details["tensor"])) <= 200


def test_a_prediction_that_asks_for_more_memory_than_its_tier_is_refused(verify: Verify) -> None:
    with pytest.raises(ModelOutOfMemory, match="more than the 1024 MB of memory"):
        verify(hungry(gigabytes=2))


def test_weights_that_need_more_memory_than_the_tier_are_refused(verify: Verify) -> None:
    large = weight("w", np.zeros((160 * MIB // 4,), np.float32))
    proto = model([node("Add", ["x", "w"], ["y"])], [value("x", [1])], [value("y", None)], [large])
    with pytest.raises(ModelOutOfMemory, match="more than the 192 MB"):
        verify(proto, limits=replace(LIMITS, memory_bytes=192 * MIB))


def test_a_model_that_no_made_up_input_suits_asks_for_a_sample(verify: Verify) -> None:
    proto = model(
        [node("Reshape", ["x", "shape"], ["y"])],
        [value("x", ["n"], FLOAT), value("shape", [1], INT64)],
        [value("y", None)],
    )
    proto.graph.node.insert(0, node("Gather", ["table", "index"], ["picked"]))
    proto.graph.input.append(value("index", [1], INT64))
    proto.graph.initializer.append(weight("table", np.zeros((0, 4), np.float32)))
    proto.graph.output.append(value("picked", None))
    with pytest.raises(
        SampleNeeded, match=r"upload it with a sample input\. The runtime's last words: .*(Gather|Reshape)"
    ) as caught:
        verify(proto)
    assert caught.value.details == {"inputs": ["x", "shape", "index"]}
