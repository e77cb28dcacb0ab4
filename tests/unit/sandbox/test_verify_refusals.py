"""Models that must not become a version, each with a reason to act on."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
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
            "'x' has the element type int4, which no request can carry",
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
