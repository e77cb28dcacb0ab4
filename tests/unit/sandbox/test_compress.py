"""What a child answers of a compression's steps is held to what it may be."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aimass.domain.errors import ModelCrashed, ModelOutOfMemory
from aimass.sandbox.compress import LONGEST_REASON, Bench, asked_for, choose, compress, look, plan, wanted
from aimass.sandbox.limits import Limits

LIMITS = Limits(seconds=60, memory_bytes=1 << 30, file_bytes=1 << 30)
MADE = {"smaller": 2, "faster": None, "lost": 0.1, "metric": "accuracy", "reason": None, "at": [1, 2]}
PLANNED = {"recipes": {"int8": ["clean"]}, "left_out": {}, "size": 1, "repairable": True}


@dataclass(frozen=True)
class Lying(Bench):
    """A bench whose child answers this."""

    answer: Any = None

    def ask(self, step: str, **request: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.answer
        return found


def lying(answer: Any) -> Lying:
    return Lying(Path("."), LIMITS, "job/1", answer=answer)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "a..b", "A", "x" * 81, "-mixed", "ä"])
def test_no_name_leaves_the_folder_of_the_candidates(name):
    with pytest.raises(ModelCrashed, match="garbled"):
        plan(lying(PLANNED | {"recipes": {name: []}}))


@pytest.mark.parametrize(
    "answer",
    [
        PLANNED | {"recipes": []},
        PLANNED | {"recipes": {f"a{at}": [] for at in range(17)}},
        PLANNED | {"left_out": {"fp16": 1}},
        PLANNED | {"size": None},
        {},
    ],
)
def test_a_plan_that_makes_no_sense_is_the_models_crash(answer):
    with pytest.raises(ModelCrashed, match="garbled"):
        plan(lying(answer))


@pytest.mark.parametrize("changed", [{"smaller": "x"}, {"at": [1]}, {"at": 3}, {"reason": 5}, {"metric": None}])
def test_figures_that_make_no_sense_are_the_models_crash(changed):
    with pytest.raises(ModelCrashed, match="garbled"):
        compress(lying({"done": MADE | changed}), "int8")


def test_figures_are_finite_and_texts_short():
    tried = compress(lying({"done": MADE | {"faster": float("inf"), "lost": 1e300, "reason": "x" * 5_000}}), "int8")
    assert (tried.faster, tried.lost, len(tried.reason)) == (None, None, LONGEST_REASON)
    assert (tried.smaller, tried.at) == (2, (1, 2))


def test_only_names_that_were_asked_about_come_back():
    for answer in (["fp16"], [["int8"]]):
        with pytest.raises(ModelCrashed, match="garbled"):
            wanted(lying({"wanted": answer}), ["int8"])
    with pytest.raises(ModelCrashed, match="garbled"):
        asked_for(lying({"names": ["int8", "fp16-mixed"], "finalists": [], "done": None}), ["int8"])
    found = asked_for(lying({"names": ["int8", "int8-mixed"], "finalists": ["int8-mixed"], "done": None}), ["int8"])
    assert found.finalists == ("int8-mixed",)


def test_every_candidate_has_a_verdict_that_there_is():
    def answer(**more: Any) -> dict[str, Any]:
        return {"done": {"chosen": None, "reason": "none", "candidates": {"int8": MADE | more}}}

    assert choose(lying(answer(verdict="rejected")), ["int8"]).candidates["int8"].verdict == "rejected"
    for more in ({}, {"verdict": "published"}):
        with pytest.raises(ModelCrashed, match="garbled"):
            choose(lying(answer(**more)), ["int8"])


def test_nothing_there_is_something_to_do():
    assert look(lying({"done": None}), "compress", "int8") is None
    assert look(lying({"done": MADE}), "compress", "int8").smaller == 2


def test_a_death_is_told_to_the_next_child_as_the_reason():
    @dataclass(frozen=True)
    class Dying(Bench):
        def ask(self, step: str, **request: Any) -> dict[str, Any]:
            if request["died"] is None:
                raise ModelOutOfMemory("the model needs more than the 1024 MB of memory that it may use")
            return {"done": MADE | {"smaller": None, "reason": request["died"]}}

    tried = compress(Dying(Path("."), LIMITS, "job/1"), "int8")
    assert tried.reason == "the model needs more than the 1024 MB of memory that it may use"
