from __future__ import annotations

from pathlib import Path

from aimass.compression.recipe import Recipe, Stage, digest_of, key

INT8 = Recipe("pruned30-int8", (Stage("clean", {}), Stage("prune", {"fewer": 0.3}), Stage("int8", {"spare": ["a"]})))


def test_a_recipe_is_the_same_after_json() -> None:
    assert Recipe.from_json(INT8.to_json()) == INT8


def test_a_digest_is_of_what_is_done_and_not_of_the_name() -> None:
    renamed = Recipe("other", INT8.stages)

    assert renamed.digest == INT8.digest
    assert INT8.upto(2).digest != INT8.digest
    assert INT8.spared(2, ["b"]).digest != INT8.digest


def test_sparing_more_keeps_what_is_spared_already_and_the_other_stages() -> None:
    mixed = INT8.spared(2, ["b"])

    assert mixed.name == "pruned30-int8-mixed"
    assert mixed.stages[2].options == {"spare": ["a", "b"]}
    assert mixed.stages[:2] == INT8.stages[:2]
    assert INT8.stages[2].options == {"spare": ["a"]}


def test_a_key_does_not_depend_on_the_order_of_entries() -> None:
    assert key({"a": 1, "b": [2, "ü"]}) == key({"b": [2, "ü"], "a": 1})
    assert key("a", "b") != key("ab")


def test_external_data_counts(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"graph")
    alone = digest_of(model)
    (tmp_path / "model.onnx.data").write_bytes(b"weights")

    assert digest_of(model) != alone
