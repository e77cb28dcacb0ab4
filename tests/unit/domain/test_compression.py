"""What a compression may be asked for: the same words where it is asked for and where it is done."""

import pytest

from aimass.compression.budget import parse_budget
from aimass.compression.plan import methods
from aimass.compression.registry import PASSES
from aimass.domain.compression import BUDGETS, METHODS, check_budget, check_methods
from aimass.domain.errors import InvalidArguments


def test_the_words_for_methods_are_those_of_the_passes():
    assert list(METHODS) == methods(PASSES)


@pytest.mark.parametrize("word", BUDGETS)
def test_every_budget_that_may_be_asked_for_is_one_that_is_measured(word):
    budget = parse_budget({word: 0.25})
    assert (budget.metric, budget.loss) == (BUDGETS[word], 0.75 if word == "agreement" else 0.25)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "budget"),
        ([], "budget"),
        (0.5, "budget"),
        ({"accuracy_drop": 0.1, "agreement": 0.9}, "budget"),
        ({"speed": 0.1}, "budget.speed"),
        ({"accuracy_drop": True}, "budget.accuracy_drop"),
        ({"accuracy_drop": "0.1"}, "budget.accuracy_drop"),
        ({"accuracy_drop": float("nan")}, "budget.accuracy_drop"),
        ({"agreement": 1}, "budget.agreement"),
        ({"divergence": 0}, "budget.divergence"),
    ],
)
def test_a_budget_that_is_none_names_its_field(document, field):
    with pytest.raises(InvalidArguments) as caught:
        check_budget(document)
    assert list(caught.value.details["fields"]) == [field]


def test_methods_are_kept_once_and_auto_leaves_them_open():
    assert check_methods(["int8", "fp16", "int8"]) == ("fp16", "int8")
    assert check_methods("auto") is check_methods(None) is None


@pytest.mark.parametrize("asked", [[], "int8", ["int9"], [8], {"int8": 1}, 5])
def test_other_methods_are_refused_with_those_there_are(asked):
    with pytest.raises(InvalidArguments, match="fp16, int4, int8, prune, trees, weights"):
        check_methods(asked)
