"""Why candidates are not asked, and why an original is left alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from aimass.compression.budget import Budget
from aimass.compression.contract import NotApplicable
from aimass.compression.plan import Wish
from aimass.compression.result import read, write
from aimass.compression.steps.candidates import figures
from aimass.compression.steps.choose import choose
from aimass.compression.steps.folder import Asked, Folder
from aimass.compression.steps.run import run
from tests.unit.compression.folders import changing, folder_of, halve, keep, refusing

TIDY = changing(keep, "tidy", stage="clean", methods=(), exact=True)
NAMES = ("half", "like")


def two_halves(root: Path) -> tuple[Folder, Asked]:
    """Two candidates that are alike, evaluated; held-out rows are so few that one is asked."""
    folder, asked = folder_of(root, wish=Wish("size"))
    known = {name: changing(halve, name) for name in NAMES}
    run(folder, asked, passes={"tidy": TIDY, **known})
    return folder, replace(asked, held_out=135)


def lost(folder: Folder, name: str, **changed: Any) -> None:
    seen = read(folder.candidate(name).evaluated) or {}
    seen["metrics"]["accuracy"]["loss"] |= changed
    write(folder.candidate(name).evaluated, seen)


def test_one_that_may_keep_the_budget_and_was_not_asked_says_so(tmp_path: Path) -> None:
    folder, asked = two_halves(tmp_path)
    for name in NAMES:
        lost(folder, name, estimate=0.0, upper=0.001)

    verdicts = choose(folder, replace(asked, budget=Budget("accuracy", 0.022)), NAMES)["verdicts"]

    told = [one["reason"] for one in verdicts.values() if one["verdict"] == "not asked"]
    assert len(told) == 1
    assert told[0].startswith(
        "It may be within the budget; held-out rows were asked for 1 other, which promises more. 135 such rows tell of"
    )


def test_one_that_is_not_expected_to_keep_the_budget_says_by_which_bound(tmp_path: Path) -> None:
    folder, asked = two_halves(tmp_path)
    lost(folder, "half", estimate=0.0, upper=0.001)
    lost(folder, "like", estimate=0.0125, upper=0.02, confidence=0.95, rows=540)

    verdicts = choose(folder, replace(asked, budget=Budget("accuracy", 0.022)), NAMES)["verdicts"]

    assert verdicts["like"] == {
        "verdict": "not asked",
        "reason": "On 540 choosing rows accuracy lost 0.0125; the 135 held-out rows, were they alike, would show "
        "at most 0.0275, and allowed are 0.022; held-out rows were asked for 1 other, which promises more.",
    }


def test_a_finalist_whose_model_is_another_is_rejected_and_made_anew_next_time(tmp_path: Path) -> None:
    folder, asked = two_halves(tmp_path)
    asked = replace(asked, held_out=1_000)
    whole = folder.candidate("half").model.read_bytes()
    folder.candidate("half").model.write_bytes(folder.original.read_bytes())

    chosen = choose(folder, asked, NAMES)

    assert chosen["chosen"] == "like"
    assert chosen["verdicts"]["half"]["verdict"] == "rejected"
    assert "its model was lost" in chosen["verdicts"]["half"]["reason"]
    run(folder, asked, passes={"tidy": TIDY, **{name: changing(halve, name) for name in NAMES}})
    assert folder.candidate("half").model.read_bytes() == whole


def test_where_no_candidate_could_be_made_the_first_says_why(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path)

    chosen = run(folder, asked, passes={"odd": refusing("odd", NotApplicable("it has no layers"))})

    assert chosen["reason"] == (
        "The original is best left alone: none of 1 candidate could be made and compared. "
        "The first of them, odd: odd: it has no layers"
    )


def test_where_nothing_could_be_tried_the_first_pass_that_was_wanted_says_why(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("size", ("trees",)))
    known = {"half": changing(halve, "half"), "trees": changing(halve, "trees", proposed=[])}

    chosen = run(folder, asked, passes=known)

    assert chosen["verdicts"] == {}
    assert chosen["reason"].startswith("There is nothing that could be tried for this model. trees: There is nothing")
    assert "examples" not in chosen["reason"]


def test_without_examples_it_says_how_many_let_more_be_tried(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("size", ("real",)))
    asked = replace(asked, ask=replace(asked.ask, made_up=True, labels=False))

    chosen = run(folder, asked, passes={"real": changing(halve, "real", rows=64, real_rows=True)})

    assert chosen["verdicts"] == {}
    assert chosen["reason"] == (
        "There is nothing that could be tried for this model. Send 297 examples or "
        "more, and more can be tried. real: It needs 64 real rows, and there are none."
    )


def test_what_a_job_shows_of_a_candidate_is_rounded_and_what_it_left_is_not(tmp_path: Path) -> None:
    folder, asked = two_halves(tmp_path)
    lost(folder, "half", estimate=0.00123456789)

    told = figures(folder, asked, "half")

    assert told["lost"] == 0.001235
    assert len(repr(told["smaller"])) <= len("1.234")
    assert (read(folder.candidate("half").evaluated) or {})["metrics"]["accuracy"]["loss"]["estimate"] == 0.00123456789
