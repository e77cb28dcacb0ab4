from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from aimass.compression.contract import NotApplicable, Options, Pass
from aimass.compression.plan import Wish
from aimass.compression.result import read
from aimass.compression.steps.folder import HELD_OUT, Asked
from aimass.compression.steps.run import run
from tests.unit.compression.folders import changing, folder_of, halve, keep, refusing, spoil

TIDY = changing(keep, "tidy", stage="clean", methods=())
HALF = changing(halve, "half", proposed=[{"name": "half", "gain": [2, 1]}])
BAD = changing(spoil, "bad", proposed=[{"name": "bad", "gain": [2, 1]}])


def passes(*given: Pass) -> Mapping[str, Pass]:
    return {one.name: one for one in (TIDY, *given)}


def counting(calls: list[str], name: str, change: Any, **more: Any) -> Pass:
    def counted(model: Any, options: Options) -> Mapping[str, float]:
        calls.append(name)
        return dict(change(model, options))

    return changing(counted, name, **more)


def test_what_is_smaller_and_answers_alike_is_chosen_with_its_proof(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("size"))

    chosen = run(folder, asked, passes=passes(HALF))

    assert chosen["chosen"] == "half"
    assert chosen["verdicts"]["tidy"]["verdict"] == "rejected"
    assert "gains too little" in chosen["verdicts"]["tidy"]["reason"]
    loss = chosen["held_out"]["half"]["metrics"]["accuracy"]["loss"]
    assert loss["rows"] == 800
    assert loss["upper"] <= 0.02
    assert "on 800 held-out rows accuracy lost" in chosen["reason"]
    assert folder.candidate("half").model.stat().st_size < folder.original.stat().st_size / 1.8


def test_a_candidate_over_the_budget_is_rescued_by_repair(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("size"))

    chosen = run(folder, asked, passes=passes(BAD))

    assert chosen["verdicts"]["bad"]["verdict"] == "rejected"
    assert "It is over the budget on 400 choosing rows" in chosen["verdicts"]["bad"]["reason"]
    repaired = read(folder.candidate("bad").repaired) or {}
    assert repaired["spared"] == ["w1"]
    assert repaired["lost"]["after"] <= 0.02 < repaired["lost"]["before"]
    assert read(folder.candidate("bad-mixed").evaluated) is not None
    assert chosen["verdicts"]["bad-mixed"]["reason"].startswith("It gains too little: 9.7 % smaller, as fast.")


def test_a_model_that_nothing_makes_better_is_left_alone_with_the_reasons(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path)

    chosen = run(folder, asked, passes=passes(refusing("odd", NotApplicable("it has no layers"))))

    assert chosen["chosen"] is None
    assert chosen["reason"].startswith(
        "The original is best left alone: none of 2 candidates is worth having and within the budget. The first of"
    )
    assert chosen["verdicts"]["odd"] == {"verdict": "rejected", "reason": "odd: it has no layers"}


def test_a_second_run_does_nothing_again(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path)
    calls: list[str] = []
    known = passes(counting(calls, "half", halve))
    first = run(folder, asked, passes=known)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json") if path != folder.asked}

    assert run(folder, asked, passes=known) == first
    assert calls == ["half"]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_work_that_was_interrupted_goes_on_where_it_was(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("size"))
    calls: list[str] = []
    known = passes(counting(calls, "first", halve), counting(calls, "second", halve))

    def interrupt(text: str) -> None:
        if "second" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folder, asked, interrupt, known)
    evaluated = folder.candidate("first").evaluated.stat().st_mtime_ns

    assert run(folder, asked, passes=known)["chosen"] in ("first", "second")
    assert calls == ["first", "second"]
    assert folder.candidate("first").evaluated.stat().st_mtime_ns == evaluated


def test_another_budget_chooses_again_but_evaluates_nothing_again(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("size"))
    run(folder, asked, passes=passes(HALF))
    evaluated = folder.candidate("half").evaluated.stat().st_mtime_ns
    _, stricter = folder_of(tmp_path, budget=0.00001, wish=Wish("size"))

    assert run(folder, stricter, passes=passes(HALF))["chosen"] is None
    assert folder.candidate("half").evaluated.stat().st_mtime_ns == evaluated


def test_other_rows_evaluate_anew(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("size"))
    first = run(folder, asked, passes=passes(HALF))
    folder.rows(HELD_OUT).write_bytes(folder.rows("choosing").read_bytes())

    assert run(folder, asked, passes=passes(HALF))["key"] != first["key"]


def test_a_candidate_whose_file_is_gone_is_made_again(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("size"))
    run(folder, asked, passes=passes(HALF))
    model = folder.candidate("half").model.read_bytes()
    folder.candidate("half").model.unlink()

    run(folder, asked, passes=passes(HALF))

    assert folder.candidate("half").model.read_bytes() == model


def test_what_was_asked_is_the_same_after_json(tmp_path: Path) -> None:
    _, asked = folder_of(tmp_path, wish=Wish("latency", ("int8",)))

    assert Asked.from_json(asked.to_json()) == asked


@pytest.mark.parametrize(("held_out", "finalists"), [(800, 4), (230, 3), (200, 2), (135, 1), (10, 1)])
def test_few_held_out_rows_are_asked_for_fewer_finalists(tmp_path: Path, held_out: int, finalists: int) -> None:
    _, asked = folder_of(tmp_path, budget=0.02)

    assert Asked(asked.ask, asked.wish, asked.budget, asked.reading, held_out).limit.finalists == finalists


def test_a_model_that_takes_calls_of_one_size_gets_those(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("size"))
    model = onnx.load(folder.original)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 7
    onnx.save(model, folder.original)

    chosen = run(folder, asked, passes=passes(HALF))

    assert chosen["chosen"] == "half"
    assert chosen["held_out"]["half"]["rows"] == 798  # of 800
    assert chosen["held_out"]["half"]["metrics"]["accuracy"]["loss"]["rows"] == 798


def test_for_a_gpu_speed_is_not_judged_here(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("latency"))
    asked = replace(asked, ask=replace(asked.ask, target="gpu"))

    chosen = run(folder, asked, passes=passes(HALF))

    assert (read(folder.candidate("half").evaluated) or {})["faster"] is None
    assert chosen["chosen"] == "half"
