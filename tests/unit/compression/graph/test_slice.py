"""Without its channels a graph answers as it does when nothing reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from aimass.compression.graph.groups import read_channels
from aimass.compression.graph.running import Running
from aimass.compression.graph.slicing import sliced, zeroed
from tests.unit.compression.graph.nets import Net, head, image

ROWS = np.random.default_rng(1).standard_normal((3, 3, 8, 8)).astype(np.float32)
STEPS = [
    "conv",
    "strided",
    "relu",
    "norm",
    "depthwise",
    "add",
    "concat",
    "gate",
    "pool",
    "resize",
    "pad",
    "turn",
    "lrn",
]


def _concat(net: Net, x: str, other: str) -> str:
    return net.add("Concat", x, other, axis=1, width=net.widths[x] + net.widths[other])


def _gate(net: Net, x: str) -> str:
    gate = net.conv(net.add("GlobalAveragePool", x), net.widths[x], kernel=1)
    return net.add("Mul", net.add("Sigmoid", gate), x)


def _step(net: Net, kind: str, known: list[tuple[str, int]], width: int) -> tuple[str, int]:
    """Adds a step on the last of the tensors known, each with its height."""
    x, size = known[-1]
    same = [name for name, height in known if height == size]
    alike = [name for name in same if net.widths[name] == net.widths[x]]
    steps = {
        "conv": (lambda: net.conv(x, width, bias=width % 2 == 0), size),
        "strided": (lambda: net.conv(x, width, strides=[2, 2]), (size + 1) // 2),
        "norm": (lambda: net.norm(x), size),
        "depthwise": (lambda: net.depthwise(x, times=1 + width % 2), size),
        "add": (lambda: net.add("Add", x, alike[0]), size),
        "concat": (lambda: _concat(net, x, same[0]), size),
        "gate": (lambda: _gate(net, x), size),
        "pool": (lambda: net.add("MaxPool", x, kernel_shape=[3, 3], pads=[1] * 4), size),
        "resize": (lambda: net.add("Resize", x, "", net.constant([1, 1, 2, 2], np.float32), mode="nearest"), size * 2),
        "pad": (lambda: net.add("Pad", x, net.constant([0, 0, 1, 1, 0, 0, 1, 1])), size + 2),
        "turn": (lambda: net.add("Transpose", net.add("Transpose", x, perm=[0, 2, 3, 1]), perm=[0, 3, 1, 2]), size),
        "lrn": (lambda: net.add("LRN", x, size=3), size),
        "relu": (lambda: net.add("Relu", x), size),
    }
    build, after = steps[kind]
    return build(), after


def _is_taken(model: Any, folder: Path) -> bool:
    """Not where several Pads stand before a pool: onnxruntime merges them into it, and refuses what it made."""
    try:
        Running(model, folder)
    except Fail:
        return False
    return True


@given(
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(2, 6)), min_size=1, max_size=9),
    st.sampled_from(["average", "flatten", "reshape"]),
    st.integers(0, 1000),
)
@example([("pad", 2), ("pad", 2), ("pool", 2)], "average", 0)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_graph_without_some_channels_computes_the_same(
    tmp_path: Path, steps: list[tuple[str, int]], ending: str, seed: int
) -> None:
    net = image(seed)
    known = [("x", 8), (net.conv("x", 6), 8)]
    for kind, width in steps:
        known.append(_step(net, kind, known, width))
    x, size = known[-1]
    wide = net.widths[x] * size * size
    if ending == "average":
        out = head(net, x)
    elif ending == "flatten":
        out = net.gemm(net.add("Flatten", x, axis=1), wide, 4)
    else:
        out = net.gemm(net.add("Reshape", x, net.constant([-1, wide])), wide, 4)
    whole = net.model(out, tidy=True)
    assume(_is_taken(whole, tmp_path))
    read = read_channels(whole)
    random = np.random.default_rng(seed)
    gone = [random.choice(group.roots, len(group.roots) // 2, replace=False) for group in read.groups]
    kept = read.without(np.concatenate(gone) if gone else np.empty(0, dtype=np.int64))

    model = sliced(read, kept)

    onnx.checker.check_model(model)
    (expected,), (found,) = (Running(one, tmp_path)({"x": ROWS}) for one in (zeroed(read, kept), model))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * max(1, float(np.abs(expected).max())))


def test_the_steps_of_the_property_leave_something_to_remove() -> None:
    net = image()
    known = [("x", 8), (net.conv("x", 6), 8)]
    for kind in ("conv", "norm", "depthwise", "gate", "concat", "resize", "pad", "turn", "pool"):
        known.append(_step(net, kind, known, 6))
    assert sum(len(group.roots) for group in read_channels(net.model(head(net, known[-1][0]))).groups) == 12


@pytest.mark.parametrize("sizes", [[-1, 12, 8, 8], [0, 0, 8, 8]])
def test_a_written_number_of_channels_changes_with_them(tmp_path: Path, sizes: list[int]) -> None:
    net = image()
    same = net.add("Reshape", net.conv("x", 12), net.constant(sizes))
    read = read_channels(net.model(head(net, same)))
    kept = read.without(read.groups[0].roots[:5])
    (expected,), (found,) = (Running(one, tmp_path)({"x": ROWS}) for one in (zeroed(read, kept), sliced(read, kept)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_bias_that_two_layers_share_is_cut_for_each(tmp_path: Path) -> None:
    net = image()
    bias = net.weight(6)
    one = net.add("Conv", "x", net.weight(6, 3, 1, 1), bias, width=6)
    two = net.add("Conv", one, net.weight(6, 6, 1, 1), bias, width=6)
    read = read_channels(net.model(head(net, two)))
    kept = read.without(read.groups[0].roots[:2])
    model = sliced(read, kept)
    assert sorted(tensor.dims[0] for tensor in model.graph.initializer if len(tensor.dims) == 1) == [4, 5, 6]
    (expected,), (found,) = (Running(each, tmp_path)({"x": ROWS}) for each in (zeroed(read, kept), model))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
