"""Channels removed from a model's file, and its layers solved again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from aimass.compression.contract import Applied, Ask, NotApplicable, Profile, Rows, Work
from aimass.compression.graph.groups import RULES, read_channels
from aimass.compression.passes.prune_channels import PASS
from tests.unit.compression.graph.nets import Net, head, image

PROFILE = Profile("convolution", {}, {}, 100_000, 17, True)


def _net() -> Any:
    """Layers of which many channels say what others say, as a trained one's do."""
    net = image()
    x = net.add("Relu", net.conv("x", 32, name="first"))
    x = net.add("Relu", net.add("Add", x, net.conv(x, 32, name="inner"), width=32))
    x = net.add("Relu", net.conv(x, 64, name="last"))
    for name in ("first", "inner", "last"):
        weight = net.weights[name]
        mixed = net.random.standard_normal((len(weight), 8)) @ net.random.standard_normal((8, weight[0].size))
        net.weights[name] = (mixed.reshape(weight.shape) / mixed.std() * 0.2).astype(np.float32)
    return net.model(head(net, x))


def _rows(count: int = 160) -> Rows:
    return Rows({"x": np.random.default_rng(5).standard_normal((count, 3, 8, 8)).astype(np.float32)})


def _work(folder: Path, model: Any, rows: Rows | None = None, name: str = "cut") -> Work:
    source = folder / "model.onnx"
    onnx.save(model, source)
    return Work(source, folder / f"{name}.onnx", source, folder, rows or _rows(), PROFILE)


def _apply(work: Work, **options: Any) -> Applied:
    return PASS.apply(work, {"name": "pruned50", "fewer": 0.5, **options})


def _divergence(applied: Applied) -> tuple[float, float]:
    words = next(note for note in applied.notes if note.startswith("Divergence")).split()
    return float(words[4]), float(words[6])


def test_half_of_the_weights_go_and_repair_restores_most_of_what_was_lost(tmp_path: Path) -> None:
    work = _work(tmp_path, _net())
    applied = _apply(work)
    bare, repaired = _divergence(applied)
    assert repaired < bare / 3
    assert work.target.stat().st_size < 0.55 * work.source.stat().st_size
    onnx.load(work.target)


def test_what_is_left_of_each_layer_is_a_width_that_runs_well(tmp_path: Path) -> None:
    applied = _apply(_work(tmp_path, _net()))
    widths = [[int(word) for word in note.split() if word.isdigit()] for note in applied.notes if "channels" in note]
    assert len(widths) >= 2
    assert all(after % (16 if before >= 64 else 8) == 0 for before, after in widths)


def test_the_same_work_gives_the_same_bytes(tmp_path: Path) -> None:
    works = [_work(tmp_path, _net(), name=name) for name in ("one", "two")]
    for work in works:
        _apply(work)
    assert works[0].target.read_bytes() == works[1].target.read_bytes()


def test_a_spared_group_stays_whole(tmp_path: Path) -> None:
    work = _work(tmp_path, _net())
    units = [unit.name for unit in _apply(work).units]
    assert "last" in units
    assert [unit.name for unit in _apply(work, spare=["last"]).units] == [name for name in units if name != "last"]
    weights = {tensor.name: tensor.dims[0] for tensor in onnx.load(work.target).graph.initializer}
    assert weights["last"] == 64


def test_nothing_goes_in_the_place_of_what_is_spared(tmp_path: Path) -> None:
    work = _work(tmp_path, _net())
    before = {unit.name: unit.weight for unit in _apply(work).units}
    whole = work.target.stat().st_size
    widths = {tensor.name: list(tensor.dims) for tensor in onnx.load(work.target).graph.initializer}
    _apply(work, spare=["last"])
    after = {tensor.name: list(tensor.dims) for tensor in onnx.load(work.target).graph.initializer}
    assert before.keys() == {"first", "last"}
    assert after["first"] == widths["first"]
    assert work.target.stat().st_size > whole


def test_counted_in_products_too_layers_with_much_to_do_lose_more(tmp_path: Path) -> None:
    """Convolutions are used at 64 places of a picture each, what comes behind them at one."""
    net = image()
    x = net.add("Relu", net.conv("x", 64, name="first"))
    x = net.add("Relu", net.conv(x, 64, name="second"))
    x = net.add("Flatten", net.add("GlobalAveragePool", x))
    x = net.add("Relu", net.add("MatMul", x, net.weight(64, 640, name="wide")))
    work = _work(tmp_path, net.model(net.add("MatMul", x, net.weight(640, 64, name="out"))))
    widths = []
    for options in ({}, {"products": True}):
        _apply(work, **options)
        found = {tensor.name: tensor.dims for tensor in onnx.load(work.target).graph.initializer}
        widths.append(found["first"][0] + found["second"][0])
    assert widths[1] < widths[0]


def test_units_say_what_part_of_the_model_they_cost(tmp_path: Path) -> None:
    work = _work(tmp_path, _net())
    assert all(0 < unit.weight < 1 for unit in _apply(work).units)


def test_the_neurons_of_a_transformers_feed_forward_layer_go(tmp_path: Path) -> None:
    net = Net()
    inner = net.add("Relu", net.add("Add", net.add("MatMul", "x", net.weight(8, 64, name="up")), net.weight(64)))
    out = net.add("Add", net.add("MatMul", inner, net.weight(64, 8, name="down")), net.weight(8))
    model = net.model(net.add("LayerNormalization", out, net.weight(8), net.weight(8)), ("n", 6, 8))
    rows = Rows({"x": np.random.default_rng(5).standard_normal((200, 6, 8)).astype(np.float32)})
    work = _work(tmp_path, model, rows)
    bare, repaired = _divergence(_apply(work))
    assert repaired < bare
    assert {tensor.name: list(tensor.dims) for tensor in onnx.load(work.target).graph.initializer}["up"] == [8, 32]


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotApplicable, match="128 rows"):
        _apply(_work(tmp_path, _net(), _rows(127)))


def test_a_graph_without_removable_channels_is_refused(tmp_path: Path) -> None:
    net = image()
    with pytest.raises(NotApplicable, match="no channels"):
        _apply(_work(tmp_path, net.model(net.conv("x", 64))))


def test_layers_that_are_narrow_already_are_refused(tmp_path: Path) -> None:
    net = image()
    with pytest.raises(NotApplicable, match="narrow"):
        _apply(_work(tmp_path, net.model(head(net, net.conv("x", 8)))))


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    net = image()
    model = net.model(head(net, net.add("Log", net.conv("x", 64))))
    with pytest.raises(NotApplicable, match="not finite"):
        _apply(_work(tmp_path, model))


def test_a_rule_that_is_wrong_about_an_operator_ends_in_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = image()
    model = net.model(head(net, net.add("LRN", net.conv("x", 64), size=63, alpha=10.0)))
    monkeypatch.setitem(RULES, "LRN", RULES["Relu"])
    with pytest.raises(NotApplicable, match="not compute the same"):
        _apply(_work(tmp_path, model))


@pytest.mark.parametrize(
    ("ask", "names"),
    [
        (Ask(rows=500, labels=True), ["pruned30", "pruned50", "pruned50-fast", "pruned70", "pruned70-fast"]),
        (Ask(rows=500), ["pruned30"]),
        (Ask(rows=127, labels=True), []),
        (Ask(rows=500, labels=True, made_up=True), []),
    ],
)
def test_how_much_is_proposed_hangs_on_rows_and_labels(ask: Ask, names: list[str]) -> None:
    assert [options["name"] for options in PASS.propose(PROFILE, ask)] == names


def test_groups_are_known_by_their_first_layers_weight() -> None:
    assert [group.name for group in read_channels(_net()).groups] == ["first", "last"]
