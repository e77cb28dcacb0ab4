"""Graphs that scale their pictures themselves, and those that take them scaled."""

from pathlib import Path

import numpy as np
import pytest

from aimass.formats.onnx_scaling import scales_pictures
from tests.unit.sandbox.graphs import model, node, value, weight, write

K = 1 / 255
CAFFE = [103.939, 116.779, 123.68]
IMAGENET, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def scales(tmp_path: Path, *steps: tuple[str, object], swapped: bool = False) -> bool:
    """Whether the graph that takes these steps, and then a ReLU, is said to scale its pictures."""
    nodes, weights, here = [], [], "x"
    for at, (kind, constant) in enumerate(steps):
        inputs = [here]
        if constant is not None:
            weights.append(weight(f"c{at}", np.array(constant, np.float32)))
            inputs = [f"c{at}", here] if swapped else [here, f"c{at}"]
        nodes.append(node(kind, inputs, [f"t{at}"]))
        here = f"t{at}"
    nodes.append(node("Relu", [here], ["y"]))
    proto = model(nodes, [value("x", ["n", 8, 8, 3])], [value("y", None)], weights)
    return scales_pictures(write(tmp_path, proto), "x")


@pytest.mark.parametrize(
    "steps",
    [
        [("Mul", K)],
        [("Div", 255)],
        [("Transpose", None), ("Mul", K)],
        [("Div", 127.5), ("Sub", 1)],
        [("Mul", 1 / 127.5), ("Add", -1)],
        [("Sub", [125.3, 123.0, 113.9]), ("Div", [63.0, 62.1, 66.7])],
        [("Identity", None), ("Sub", CAFFE)],
        [("Mul", K), ("Sub", IMAGENET), ("Div", DEVIATION)],
    ],
)
def test_a_graph_that_makes_small_numbers_of_those_to_255_scales_itself(tmp_path: Path, steps: list) -> None:
    assert scales(tmp_path, *steps)


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [("Sub", IMAGENET), ("Div", DEVIATION)],
        [("Mul", 2), ("Sub", 1)],
        [("Mul", 1), ("Add", 0)],
        [("Relu", None), ("Mul", K)],
        [("Mul", 0)],
    ],
)
def test_a_graph_that_takes_numbers_to_1_does_not(tmp_path: Path, steps: list) -> None:
    assert not scales(tmp_path, *steps)


def test_the_constant_may_come_first(tmp_path: Path) -> None:
    assert scales(tmp_path, ("Mul", K), swapped=True)
    assert not scales(tmp_path, ("Div", 255), swapped=True)


def test_the_constant_may_be_a_node(tmp_path: Path) -> None:
    nodes = [node("Constant", [], ["k"], value=weight("", np.float32(K))), node("Mul", ["x", "k"], ["y"])]
    proto = model(nodes, [value("x", ["n", 8, 8, 3])], [value("y", None)])
    assert scales_pictures(write(tmp_path, proto), "x")


def test_a_normalisation_of_the_input_counts(tmp_path: Path) -> None:
    def normalised(mean: float, variance: float) -> bool:
        weights = [weight(name, np.full(3, number, np.float32)) for name, number in
                   (("scale", 1), ("shift", 0), ("mean", mean), ("variance", variance))]  # fmt: skip
        nodes = [node("BatchNormalization", ["x", "scale", "shift", "mean", "variance"], ["y"])]
        proto = model(nodes, [value("x", ["n", 3, 8, 8])], [value("y", None)], weights)
        return scales_pictures(write(tmp_path, proto), "x")

    assert normalised(120, 3600)
    assert not normalised(0.45, 0.06)


def test_steps_of_whole_numbers_are_of_numbers_to_255(tmp_path: Path) -> None:
    def quantized(step: float) -> bool:
        weights = [weight("step", np.float32(step)), weight("zero", np.uint8(0))]
        proto = model([node("QuantizeLinear", ["x", "step", "zero"], ["y"])], [value("x", ["n", 8, 8, 3])],
                      [value("y", None, 2)], weights)  # fmt: skip
        return scales_pictures(write(tmp_path, proto), "x")

    assert quantized(1.0)
    assert not quantized(K)


@pytest.mark.parametrize(("factor", "within"), [(K, True), (1 / 127.5, True), (1.0, False)])
def test_a_factor_may_lie_in_the_weights_of_the_first_filters(tmp_path: Path, factor: float, within: bool) -> None:
    filters = np.random.default_rng(0).normal(0, 0.1, (4, 3, 3, 3)) * factor
    nodes = [node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]), node("Conv", ["t", "w"], ["y"])]
    weights = [weight("w", filters.astype(np.float32))]
    proto = model(nodes, [value("x", ["n", 8, 8, 3])], [value("y", None)], weights)
    assert scales_pictures(write(tmp_path, proto), "x") == within
