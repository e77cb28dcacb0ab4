"""Rows that were made up, and what an earlier compression left in the same folder, prove nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from aimass.compression.budget import Budget
from aimass.compression.plan import Wish
from aimass.compression.recipe import digest_of
from aimass.compression.result import write
from aimass.compression.steps.folder import CALIBRATION, Asked, Folder
from aimass.compression.steps.repair import mixed, wanted
from aimass.compression.steps.run import run
from tests.unit.compression.folders import changing, folder_of, halve, keep, spoil

TIDY = changing(keep, "tidy", stage="clean", methods=(), exact=True)
BAD = changing(spoil, "bad", proposed=[{"name": "bad", "gain": [2, 1]}])


def made_up(root: Path) -> tuple[Folder, Asked]:
    folder, asked = folder_of(root, wish=Wish("size"))
    return folder, replace(asked, ask=replace(asked.ask, made_up=True, labels=False))


def test_on_made_up_rows_nothing_is_chosen_that_may_lose_something(tmp_path: Path) -> None:
    folder, asked = made_up(tmp_path)
    lossy = changing(halve, "half")
    chosen = run(folder, asked, passes={"tidy": TIDY, "half": lossy})
    assert chosen["chosen"] is None
    assert chosen["held_out"] == {}
    assert "nothing proves what it loses" in chosen["verdicts"]["half"]["reason"]
    assert "The first of them, half: 49 % smaller, " in chosen["reason"]
    assert "examples or more, and it may be chosen" in chosen["reason"]


def test_on_made_up_rows_what_changes_no_answer_is_chosen(tmp_path: Path) -> None:
    folder, asked = made_up(tmp_path)
    exact = changing(halve, "half", exact=True)
    chosen = run(folder, asked, passes={"tidy": TIDY, "half": exact})
    assert chosen["chosen"] == "half"
    assert "what was done changes no answer, and on 800 made-up rows" in chosen["reason"]
    assert "confidence" not in chosen["reason"]


def test_on_made_up_rows_nothing_is_repaired(tmp_path: Path) -> None:
    folder, asked = made_up(tmp_path)
    run(folder, asked, passes={"tidy": TIDY, "bad": BAD})
    assert wanted(folder, asked, ["bad"]) == []
    assert wanted(folder, replace(asked, ask=replace(asked.ask, made_up=False)), ["bad"]) == ["bad"]


def test_what_was_repaired_for_another_budget_is_no_candidate_of_this_one(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("size"))
    chosen = run(folder, asked, passes={"tidy": TIDY, "bad": BAD})
    names = [name for name in chosen["verdicts"] if not name.endswith("-mixed")]
    assert mixed(folder, asked, names) == ["bad-mixed"]
    assert mixed(folder, replace(asked, budget=Budget("accuracy", 0.03)), names) == []


def test_digests_that_were_taken_when_it_was_prepared_stand_for_files_that_are_elsewhere(tmp_path: Path) -> None:
    folder, _ = folder_of(tmp_path / "whole")
    parts = {CALIBRATION: {"rows": 128, "sha256": digest_of(folder.rows(CALIBRATION))}}
    elsewhere = Folder(tmp_path / "json")
    write(elsewhere.prepared, {"model": {"sha256": digest_of(folder.original)}, "parts": parts})
    assert elsewhere.digest == folder.digest
    assert elsewhere.rows_digest(CALIBRATION) == folder.rows_digest(CALIBRATION)
