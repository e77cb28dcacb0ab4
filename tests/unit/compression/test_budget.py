"""Budgets as users write them, and whether the rows at hand could show that one holds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.compression.budget import (
    Budget,
    check_classes,
    check_fit,
    check_rows,
    default_budget,
    finalists,
    parse_budget,
    rows_needed,
    shortage,
    shown_by_default,
    smallest_budget,
)
from aimass.compression.choose import confidence_each
from aimass.compression.data.labels import Labels
from aimass.compression.reading import Reading
from aimass.compression.splits import sizes
from aimass.compression.statistics import disagreement, shares_loss
from aimass.domain.errors import InvalidArguments

CLASSES, NUMBERS = Labels("classes", np.zeros(9, int)), Labels("numbers", np.zeros(9))
CLASSIFIER, REGRESSION = Reading("s", "columns"), Reading("s", "numbers")


@pytest.mark.parametrize(
    ("document", "budget"),
    [
        ({"accuracy_drop": 0.005}, Budget("accuracy", 0.005)),
        ({"f1_drop": 0.02}, Budget("f1", 0.02)),
        ({"auc_drop": 0.01}, Budget("auc", 0.01)),
        ({"r2_drop": 0.1}, Budget("r2", 0.1)),
        ({"agreement": 0.99}, Budget("agreement", 0.01)),
        ({"divergence": 0.02}, Budget("divergence", 0.02)),
    ],
)
def test_a_budget_is_read_and_written(document: dict[str, float], budget: Budget) -> None:
    assert parse_budget(document) == budget
    assert budget.document == document


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (None, "budget"),
        (0.01, "budget"),
        ({}, "budget"),
        ({"accuracy_drop": 0.1, "agreement": 0.9}, "budget"),
        ({"accuracy": 0.1}, "budget.accuracy"),
        ({"accuracy_drop": 0}, "budget.accuracy_drop"),
        ({"accuracy_drop": 1}, "budget.accuracy_drop"),
        ({"accuracy_drop": -0.1}, "budget.accuracy_drop"),
        ({"accuracy_drop": float("nan")}, "budget.accuracy_drop"),
        ({"accuracy_drop": True}, "budget.accuracy_drop"),
        ({"agreement": "0.99"}, "budget.agreement"),
        ({"agreement": 1.0}, "budget.agreement"),
    ],
)
def test_what_is_no_budget_is_told_by_its_field(document: Any, field: str) -> None:
    with pytest.raises(InvalidArguments) as error:
        parse_budget(document)
    assert list(error.value.details["fields"]) == [field]


def test_the_default_is_by_what_there_is() -> None:
    assert default_budget(CLASSIFIER, CLASSES).document == {"accuracy_drop": 0.01}
    assert default_budget(REGRESSION, NUMBERS).document == {"r2_drop": 0.01}
    assert default_budget(CLASSIFIER, None).document == {"agreement": 0.99}
    assert default_budget(REGRESSION, None).document == {"divergence": 0.02}


@pytest.mark.parametrize(
    ("document", "reading", "labels", "told"),
    [
        ({"accuracy_drop": 0.01}, CLASSIFIER, None, "budget.accuracy_drop: wants labelled rows"),
        ({"r2_drop": 0.01}, REGRESSION, None, "budget.r2_drop: wants labelled rows"),
        ({"r2_drop": 0.01}, CLASSIFIER, CLASSES, "wants labels that are numbers; these are classes"),
        ({"f1_drop": 0.01}, REGRESSION, NUMBERS, "wants labels that are classes; these are numbers"),
        ({"auc_drop": 0.01}, Reading("l", "labels"), CLASSES, "wants scores, and the model gives labels alone"),
        ({"agreement": 0.9}, REGRESSION, NUMBERS, "is of classes, and the model answers with numbers"),
        ({"agreement": 0.9}, Reading("s", "numbers", single=True), None, "is of classes, and the model answers with"),
    ],
)
def test_a_budget_that_can_not_be_measured_is_refused(
    document: dict[str, float], reading: Reading, labels: Labels | None, told: str
) -> None:
    with pytest.raises(InvalidArguments, match=told):
        check_fit(parse_budget(document), reading, labels)


@pytest.mark.parametrize("document", [{"agreement": 0.99}, {"divergence": 0.1}])
def test_without_labels_answers_are_compared(document: dict[str, float]) -> None:
    check_fit(parse_budget(document), CLASSIFIER, None)


@given(st.floats(0.002, 0.3), st.sampled_from([0.95, 0.975, 0.99]))
def test_the_rows_needed_show_the_budget_and_fewer_do_not(loss: float, confidence: float) -> None:
    needed = rows_needed(Budget("accuracy", loss), confidence)
    assert shares_loss(0, 0, needed, confidence).upper <= loss + 1e-9
    assert shares_loss(0, 0, needed - 1, confidence).upper > loss
    needed = rows_needed(Budget("agreement", loss), confidence)
    assert disagreement(0, needed, confidence).upper <= loss + 1e-9


@given(st.integers(1, 5_000), st.sampled_from(["accuracy", "f1", "auc", "agreement", "divergence", "r2"]))
def test_the_smallest_budget_named_is_one_that_the_rows_can_show(rows: int, metric: str) -> None:
    found = smallest_budget(Budget(metric, 0.0001), rows)
    if found is not None:
        assert shortage(found, rows) is None
        assert found.loss <= 0.002 or shortage(Budget(metric, found.loss - 0.0011), rows) is not None


def test_too_few_rows_are_told_with_the_number_needed_and_what_they_could_show() -> None:
    with pytest.raises(InvalidArguments) as error:
        check_rows(parse_budget({"accuracy_drop": 0.005}), 200)
    needed, in_all = error.value.details["needed"], error.value.details["needed_in_all"]
    assert needed == 598
    assert sizes(in_all).held_out >= needed > sizes(in_all - 2).held_out
    assert error.value.details["smallest_budget"] == {"accuracy_drop": 0.015}
    assert error.value.message.startswith(
        "too few different rows for accuracy_drop 0.005: 200 are held out, and 598 are needed to show it with "
        f"0.95 confidence if no row is lost, about {in_all} rows in all ("
    )
    assert error.value.message.endswith(
        ". That is for one candidate; 4 together want 1000, 1998 in all. "
        "Send more rows, or ask for accuracy_drop 0.015, the smallest that these could show"
    )
    assert error.value.details["needed_for_all_finalists"] == 1000


def test_as_many_candidates_are_asked_of_as_rows_can_tell() -> None:
    budget = parse_budget({"accuracy_drop": 0.01})
    counts = {finalists(budget, rows): rows for rows in range(600, 200, -1)}  # the fewest rows for each

    assert counts[4] == rows_needed(budget, confidence_each(4)) > counts[3] > counts[2] > rows_needed(budget)
    assert finalists(budget, 1) == 1


def test_enough_rows_pass() -> None:
    check_rows(parse_budget({"accuracy_drop": 0.005}), 598)
    check_rows(parse_budget({"agreement": 0.99}), 299)
    check_rows(parse_budget({"divergence": 0.02}), 149)
    check_rows(parse_budget({"f1_drop": 0.01}), 300)
    check_rows(parse_budget({"auc_drop": 0.01}), 600)


def test_agreement_names_the_highest_that_could_be_shown() -> None:
    told = shortage(parse_budget({"agreement": 0.999}), 299)
    assert told is not None
    assert told.endswith("ask for agreement 0.99, the highest that these could show")


def test_a_bootstrap_of_few_rows_is_refused() -> None:
    assert "100 are needed" in (shortage(Budget("r2", 0.2), 99) or "")
    assert smallest_budget(Budget("r2", 0.01), 99) is None
    assert "149 are needed" in (shortage(Budget("divergence", 0.02), 148) or "")


def test_f1_and_auc_want_rows_of_each_class() -> None:
    labels = Labels("classes", np.repeat([0, 1, 2], [500, 480, 20]))
    with pytest.raises(
        InvalidArguments, match=r"too few different rows of class '2' for f1_drop 0\.01: 20 are held"
    ) as error:
        check_classes(parse_budget({"f1_drop": 0.01}), labels, several=False)
    assert error.value.details["held_out_of_class"] == 20
    wanted = error.value.details["needed_of_class"]
    assert wanted == 147  # for four finalists
    enough = Labels("classes", np.repeat([0, 1, 2], [500, 480, wanted]))
    check_classes(parse_budget({"f1_drop": 0.01}), enough, several=False)
    with pytest.raises(InvalidArguments, match="of class '2' for auc_drop"):
        check_classes(parse_budget({"auc_drop": 0.01}), labels, several=False)
    check_classes(parse_budget({"accuracy_drop": 0.01}), labels, several=False)
    columns = Labels("classes", (np.arange(1000)[:, None] < np.array([500, 20])).astype(int))
    with pytest.raises(InvalidArguments, match="of class '1' for f1_drop"):
        check_classes(parse_budget({"f1_drop": 0.01}), columns, several=True)


def test_no_row_shows_nothing() -> None:
    assert (shortage(parse_budget({"agreement": 0.9}), 0) or "").endswith("Send more rows")


@pytest.mark.parametrize("metric", ["accuracy", "agreement", "divergence", "r2"])
def test_a_default_gives_way_to_what_rows_can_show_with_something_to_spare_up_to_a_twentieth(metric: str) -> None:
    usual = Budget(metric, 0.02 if metric == "divergence" else 0.01)
    taken = [shown_by_default(usual, rows).loss for rows in range(1, 1000)]
    assert taken[-1] == usual.loss
    assert all(usual.loss <= loss <= 0.05 for loss in taken)
    shown = [rows for rows in range(1, 1000) if rows_needed(shown_by_default(usual, rows)) <= rows]
    assert shown == list(range(rows_needed(Budget(metric, 0.05)), 1000)), "others are refused, for a twentieth"
    spared = [loss for rows, loss in enumerate(taken, 1) if rows >= rows_needed(Budget(metric, 0.05), 0.9875, 0.01)]
    assert spared == sorted(spared, reverse=True)
    for rows, loss in list(enumerate(taken, 1))[-len(spared) :]:
        assert rows_needed(Budget(metric, loss), 0.9875, 0.01) <= rows, "four candidates, a row in a hundred differs"
