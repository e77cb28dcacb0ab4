from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from aimass.compression.apply import Bench
from aimass.compression.contract import NotApplicable, Options, Pass, Rows
from aimass.compression.model_file import answers_of, divergence
from aimass.compression.recipe import Recipe, Stage
from aimass.compression.repair import Lost, affordable, repair
from tests.unit.compression.folders import FEATURES, changing, classifier, halve, keep, spoil


def bench(folder: Path, *passes: Pass) -> Bench:
    onnx.save(classifier(), folder / "model.onnx")
    rows = Rows({"x": np.random.default_rng(0).standard_normal((64, FEATURES)).astype(np.float32)})
    return Bench(folder / "model.onnx", rows, "digest", {one.name: one for one in passes}, folder / "stages")


def lost_on(one: Bench) -> Lost:
    expected = answers_of(one.original, one.rows)
    return lambda path: divergence(expected, answers_of(path, one.rows))


def recipe(*names: str) -> Recipe:
    return Recipe("-".join(names), tuple(Stage(name, {}) for name in names))


def nothing_helps(model: Any, options: Options) -> Mapping[str, float]:
    spoil(model, {})
    return {"w1": 0.5, "w2": 0.5}


def test_only_the_part_that_spoils_the_answers_is_spared(tmp_path: Path) -> None:
    one = bench(tmp_path, changing(keep, "tidy"), changing(spoil, "spoil"))

    done = repair(one, recipe("tidy", "spoil"), lost_on(one), limit=0.01)

    assert done.spared == ("w1",)
    assert done.recipe.name == "tidy-spoil-mixed"
    assert done.recipe.stages[1].options == {"spare": ["w1"]}
    assert done.lost[0] > 0.5 > 0.01 > done.lost[1]
    assert lost_on(one)(one.make(done.recipe)[-1].path) == done.lost[1]


def spoil_a_little_too(model: Any, options: Options) -> Mapping[str, float]:
    """`w1` is turned round, `w2` a little too large, each unless it is spared; nothing hangs on `idle`."""
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if tensor.name not in options.get("spare", ()):
            changed = array[::-1] if tensor.name == "w1" else array * np.float32(1.05)
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(changed), tensor.name))
    return {"w1": 0.4, "w2": 0.4, "idle": 0.1}


def test_what_is_spared_keeps_a_margin_where_one_can_be_kept(tmp_path: Path) -> None:
    one = bench(tmp_path, changing(keep, "tidy"), changing(spoil_a_little_too, "spoil"))
    lost = lost_on(one)

    plain = repair(one, recipe("tidy", "spoil"), lost, limit=0.2)
    safe = repair(one, recipe("tidy", "spoil"), lost, limit=0.2, aim=lambda path: 10 * lost(path))
    asking_too_much = repair(one, recipe("tidy", "spoil"), lost, limit=0.2, aim=lambda path: 1 + lost(path))

    assert plain.spared == asking_too_much.spared == ("w1",)
    assert plain.lost[1] == pytest.approx(0.05, abs=0.01)
    assert safe.spared == ("w1", "w2")
    assert safe.lost[1] == 0


def test_the_stage_that_is_to_blame_is_repaired_and_those_after_it_are_applied_again(tmp_path: Path) -> None:
    def narrow(model: Any, options: Options) -> Mapping[str, float]:
        return {"x": 0.1, "y": 0.1}  # harmless, and behind the one to blame

    prune = changing(spoil, "cut", stage="prune")
    one = bench(tmp_path, changing(keep, "tidy"), prune, changing(narrow, "pack"))

    done = repair(one, recipe("tidy", "cut", "pack"), lost_on(one), limit=0.01)

    assert done.stage == "cut"
    assert done.recipe.stages[1].options == {"spare": ["w1"]}
    assert done.recipe.stages[2].options == {}


def test_what_sparing_does_not_help_is_refused_with_the_reason(tmp_path: Path) -> None:
    one = bench(tmp_path, changing(keep, "tidy"), changing(nothing_helps, "hopeless"))

    with pytest.raises(NotApplicable, match="2 of 2 parts spared it still is over"):
        repair(one, recipe("tidy", "hopeless"), lost_on(one), limit=0.01)


def test_a_stage_without_parts_cannot_be_repaired(tmp_path: Path) -> None:
    def whole(model: Any, options: Options) -> Mapping[str, float]:
        spoil(model, {})
        return {"all": 1.0}

    one = bench(tmp_path, changing(keep, "tidy"), changing(whole, "whole"))

    with pytest.raises(NotApplicable, match="no parts that could be spared"):
        repair(one, recipe("tidy", "whole"), lost_on(one), limit=0.01)


def test_applications_are_bounded(tmp_path: Path) -> None:
    calls: list[int] = []

    def counted(model: Any, options: Options) -> Mapping[str, float]:
        calls.append(1)
        return halve(model, options)

    one = bench(tmp_path, changing(keep, "tidy"), changing(counted, "half"))
    whole = one.make(recipe("tidy"))[0].size

    with pytest.raises(NotApplicable):
        repair(one, recipe("tidy", "half"), lambda path: 0.0 if path.stat().st_size == whole else 1.0, 0.5, most=6)
    assert 2 < len(calls) <= 7  # the candidate's own, and six


def test_a_large_model_gets_fewer_applications() -> None:
    assert affordable(9_000_000) == 24
    assert affordable(90_000_000) == affordable(400_000_000, "quantize") == 12
    assert affordable(90_000_000, "quantize") == 24
