from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from aimass.compression.apply import Bench, Refused, moved
from aimass.compression.contract import NotApplicable, Options, Pass, Rows
from aimass.compression.recipe import Recipe, Stage
from tests.unit.compression.folders import changing, classifier, halve, keep, refusing


def bench(folder: Path, *passes: Pass) -> Bench:
    onnx.save(classifier(), folder / "model.onnx")
    return Bench(folder / "model.onnx", Rows(), "digest", {one.name: one for one in passes}, folder / "stages")


def recipe(*names: str) -> Recipe:
    return Recipe("-".join(names), tuple(Stage(name, {}) for name in names))


def test_each_stage_begins_with_what_the_one_before_left(tmp_path: Path) -> None:
    made = bench(tmp_path, changing(keep, "tidy"), changing(halve, "half")).make(recipe("tidy", "half"))

    assert [one.name for one in made] == ["tidy", "half"]
    assert made[0].size > 1.8 * made[1].size
    assert [unit.name for unit in made[1].applied.units] == ["w1", "w2"]


def test_what_two_recipes_begin_with_is_made_once(tmp_path: Path) -> None:
    calls: list[str] = []

    def counted(model: Any, options: Options) -> dict[str, float]:
        calls.append("tidy")
        return {}

    one = bench(tmp_path, changing(counted, "tidy"), changing(halve, "half"))
    one.make(recipe("tidy", "half"))
    one.make(recipe("tidy"))

    assert calls == ["tidy"]


@pytest.mark.parametrize("error", [NotApplicable("it has no layers"), IndexError("it has no layers")])
def test_a_pass_that_fails_refuses_the_recipe_with_its_name_and_reason(tmp_path: Path, error: Exception) -> None:
    one = bench(tmp_path, changing(keep, "tidy"), refusing("odd", error))

    for _ in range(2):  # the second time from what is written
        with pytest.raises(Refused, match="it has no layers") as caught:
            one.make(recipe("tidy", "odd"))
        assert caught.value.name == "odd"


def test_a_model_moves_with_its_external_data(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"graph")
    (tmp_path / "a.onnx.data").write_bytes(b"weights")

    moved(tmp_path / "a.onnx", tmp_path / "b" / "model.onnx")

    assert {path.name for path in (tmp_path / "b").iterdir()} == {"model.onnx", "model.onnx.data"}
