import importlib.util

import pytest

from aimass.compression.budget import parse_budget
from benchmarks.compression.catalogue import ENTRIES, chosen


def test_without_a_choice_all_are_measured():
    assert chosen("") == list(ENTRIES)


def test_models_are_chosen_by_the_beginnings_of_their_names():
    assert [entry.name for entry in chosen("alex,mini")] == ["alexnet", "minilm"]


def test_a_name_that_fits_nothing_is_refused():
    with pytest.raises(ValueError, match="no model is called nonet"):
        chosen("alex,nonet")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_each_model_has_its_module_and_budgets_that_the_platform_takes(entry):
    assert importlib.util.find_spec(f"benchmarks.compression.models.{entry.module}") is not None
    assert all(parse_budget(budget) for budget in entry.budgets)
