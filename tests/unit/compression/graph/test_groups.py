"""Which channels belong together, and which must stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.unit.compression.graph.nets import Net, head, image, removable


def test_a_layers_channels_can_go_when_only_layers_read_them() -> None:
    net = image()
    x = net.add("Relu", net.conv("x", 12, name="first"))
    assert removable(net.model(head(net, net.conv(x, 20, name="second")))) == {"first": 12, "second": 20}


def test_addition_makes_the_channels_of_two_layers_one_group() -> None:
    net = image()
    stem = net.conv("x", 12, name="stem")
    inner = net.conv(stem, 16, name="inner")
    total = net.add("Add", stem, net.conv(inner, 12, name="back"), width=12)
    assert removable(net.model(head(net, total))) == {"stem": 12, "inner": 16}


def test_a_depthwise_layer_and_a_norm_pass_channels_on() -> None:
    net = image()
    x = net.norm(net.depthwise(net.add("HardSwish", net.conv("x", 12, name="wide")), times=2))
    assert removable(net.model(head(net, x))) == {"wide": 12}


def test_concatenated_layers_stay_groups_of_their_own() -> None:
    net = image()
    both = net.add("Concat", net.conv("x", 12, name="one"), net.conv("x", 20, name="two"), axis=1, width=32)
    assert removable(net.model(head(net, both))) == {"one": 12, "two": 20}


def test_what_the_input_is_concatenated_or_added_to_is_told_apart() -> None:
    net = image()
    both = net.add("Concat", "x", net.conv("x", 12, name="one"), axis=1, width=15)
    assert removable(net.model(head(net, both))) == {"one": 12}
    net = image()
    assert removable(net.model(head(net, net.add("Add", "x", net.conv("x", 3, name="one"))))) == {}


def test_squeeze_and_excitation_scales_the_channels_that_it_was_made_of() -> None:
    net = image()
    x = net.conv("x", 16, name="wide")
    narrow = net.conv(net.add("GlobalAveragePool", x), 8, kernel=1, name="narrow")
    gate = net.add("Sigmoid", net.conv(net.add("Relu", narrow), 16, kernel=1, name="gate"))
    assert removable(net.model(head(net, net.add("Mul", x, gate)))) == {"wide": 16, "narrow": 8}


def _gelu(net: Net, x: str, kind: str) -> str:
    if kind == "one op":
        return net.add("Gelu", x, domain="com.microsoft")
    half, root, one = (net.constant(value, np.float32) for value in (0.5, 1.414, 1.0))
    if kind == "erf":
        bell = net.add("Add", net.add("Erf", net.add("Div", x, root)), one)
        return net.add("Mul", net.add("Mul", x, bell), half)
    cube = net.add("Mul", net.add("Pow", x, net.constant(3.0, np.float32)), net.constant(0.044, np.float32))
    bell = net.add("Add", net.add("Tanh", net.add("Mul", net.add("Add", x, cube), root)), one)
    return net.add("Mul", net.add("Mul", x, half), bell)


@pytest.mark.parametrize("kind", ["one op", "erf", "tanh"])
def test_the_neurons_of_a_transformers_feed_forward_layer_can_go(kind: str) -> None:
    net = Net()
    inner = net.add("MatMul", "x", net.weight(8, 32, name="up"))
    inner = _gelu(net, net.add("Add", net.weight(32), inner), kind)
    out = net.add("Add", net.add("MatMul", inner, net.weight(32, 8, name="down")), net.weight(8))
    normal = net.add("LayerNormalization", net.add("Add", out, "x"), net.weight(8), net.weight(8))
    assert removable(net.model(normal, ("n", "s", 8))) == {"up": 32}


@pytest.mark.parametrize("kind", ["flatten", "constant", "computed"])
def test_a_flattened_image_is_blocks_of_features(kind: str) -> None:
    net = image()
    x = net.conv("x", 12, name="last")
    if kind == "flatten":
        flat = net.add("Flatten", x, axis=1)
    elif kind == "constant":
        flat = net.add("Reshape", x, net.constant([-1, 12 * 64]))
    else:
        size = net.add("Gather", net.add("Shape", x), net.constant([0]), axis=0)
        flat = net.add("Reshape", x, net.add("Concat", size, net.constant([-1]), axis=0))
    assert removable(net.model(net.gemm(flat, 12 * 64, 5))) == {"last": 12}


def _grouped(net: Net) -> str:
    return head(net, net.conv(net.conv("x", 12, name="one"), 12, group=3, name="grouped"))


def _unknown(net: Net) -> str:
    return head(net, net.add("LRN", net.conv("x", 12, name="one"), size=3))


def _softmax(net: Net) -> str:
    return head(net, net.add("Softmax", net.conv("x", 12, name="one"), axis=1))


def _shape_read(net: Net) -> str:
    x = net.conv("x", 12, name="one")
    count = net.add("Cast", net.add("Gather", net.add("Shape", x), net.constant(1), axis=0), to=TensorProto.FLOAT)
    return net.add("Mul", head(net, x), count)


def _twice(net: Net) -> str:
    weight = net.weight(3, 3, 1, 1, name="one")
    return head(net, net.add("Conv", net.add("Conv", "x", weight, width=3), weight))


def _answer(net: Net) -> str:
    return net.conv("x", 12, name="one")


@pytest.mark.parametrize("build", [_unknown, _softmax, _shape_read, _twice, _answer])
def test_channels_that_something_else_depends_on_stay(build: Any) -> None:
    net = image()
    assert removable(net.model(build(net))) == {}


def test_a_grouped_convolution_keeps_what_it_reads_and_frees_what_reads_it() -> None:
    net = image()
    assert removable(net.model(_grouped(net))) == {}


def test_a_weight_that_callers_may_replace_stays() -> None:
    net = image()
    assert removable(net.model(head(net, net.conv("x", 12, name="one")), more=("one",))) == {}


def test_what_a_subgraph_reads_stays() -> None:
    net = image()
    x = net.conv("x", 12, name="one")
    branches = [
        helper.make_graph(
            [helper.make_node("Neg", [x], [f"{side}out"])],
            side,
            [],
            [helper.make_tensor_value_info(f"{side}out", TensorProto.FLOAT, None)],
        )
        for side in ("then", "else")
    ]
    inner = net.add("If", net.constant(True, bool), then_branch=branches[0], else_branch=branches[1], width=12)
    assert removable(net.model(head(net, net.add("Add", x, inner, width=12)))) == {}


def test_a_norm_on_another_dimension_than_the_second_stays() -> None:
    net = Net()
    rows = net.add("MatMul", "x", net.weight(8, 8, name="one"), width=8)
    assert removable(net.model(net.add("MatMul", net.norm(rows), net.weight(8, 4)), ("n", 8, 8))) == {}
