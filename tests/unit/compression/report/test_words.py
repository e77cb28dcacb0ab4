from __future__ import annotations

from typing import Any

import pytest

from aimass.compression.report.document import report_of
from aimass.compression.report.words import allowed, bound, lost, milliseconds, number, score, sentence
from tests.unit.compression.report.written import candidate, documents, usual


def verdict(metric: str, **more: Any) -> str:
    return str(
        report_of(documents({"a": candidate("a", metric=metric)}, {"a": "chosen"}, metric=metric, **more))["verdict"][
            "sentence"
        ]
    )


def test_the_sentence_tells_the_bound_the_budget_and_what_is_gained() -> None:
    assert verdict("accuracy") == (
        "a keeps the promise: at most 0.3 points of accuracy are lost (95\u00a0% confidence), "
        "the budget is 0.5 points. It is 4 times smaller and 2.5 times faster."
    )


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("agreement", "at most 0.3 % of rows are answered otherwise"),
        ("divergence", "outputs differ by at most 3 % of their size"),
        ("accuracy", "at most 0.3 points of accuracy are lost (95\u00a0% confidence), the budget"),
        ("f1", "at most 0.003 of F1 are lost (95\u00a0% confidence, approximate), the budget"),
        ("auc", "at most 0.003 of AUC are lost (95\u00a0% confidence, approximate), the budget"),
        ("r2", "at most 0.003 of R² are lost (95\u00a0% confidence, approximate), the budget"),
    ],
)
def test_each_metric_has_its_own_words(metric: str, told: str) -> None:
    assert told in verdict(metric)


def test_a_gain_is_called_one() -> None:
    report = report_of(usual())
    report["candidates"][0]["held_out"]["metrics"]["accuracy"]["loss"]["upper"] = -0.0035
    assert "no accuracy is lost, at least 0.35 points are gained" in sentence(report)


def test_speed_is_not_told_where_it_is_not_known() -> None:
    report = report_of(documents({"a": candidate("a", faster=None)}, {"a": "chosen"}))
    assert report["verdict"]["sentence"].endswith("It is 4 times smaller.")


def test_a_gain_below_two_and_none_are_told_in_words() -> None:
    given = documents({"a": candidate("a", size=8_000_000, faster=1.22)}, {"a": "chosen"})
    assert sentence(report_of(given)).endswith("It is the same size and 22 % faster.")
    given = documents({"a": candidate("a", size=6_000_000, faster=0.98)}, {"a": "chosen"})
    assert sentence(report_of(given)).endswith("It is 25 % smaller and 2 % slower.")


def test_the_bound_of_the_sentence_is_rounded_up_but_not_over_the_budget_that_it_keeps() -> None:
    report = report_of(usual())
    loss = report["candidates"][0]["held_out"]["metrics"]["accuracy"]["loss"]
    loss["upper"] = 0.004211
    assert "at most 0.43 points of accuracy are lost" in sentence(report)
    loss["upper"], report["budget"]["most"] = 0.004211, 0.00425
    assert "at most 0.425 points of accuracy are lost" in sentence(report)
    assert "the budget is 0.425 points" in sentence(report)


def test_the_bound_of_a_table_is_rounded_up() -> None:
    assert (lost("accuracy", 0.00801), bound("accuracy", 0.00801)) == ("0.80", "0.81")
    assert (bound("f1", 0.00801), bound("f1", 0.008011), bound("f1", None)) == ("0.0081", "0.0081", "\u2013")


def test_the_bound_of_a_table_is_not_rounded_over_the_budget_that_it_keeps() -> None:
    assert (bound("accuracy", 0.001249, 0.00125), allowed("accuracy", 0.00125)) == ("0.125", "0.125")
    assert bound("accuracy", 0.00126, 0.00125) == "0.13"
    assert bound("accuracy", 0.001249, 0.00125, sign=True) == "+0.125"


def test_a_model_left_alone_gives_the_reason() -> None:
    report = report_of(
        documents({"a": candidate("a")}, {"a": "rejected"}, reason="The original is best left alone: so.")
    )
    assert report["verdict"]["sentence"] == "The original is best left alone: so."


def test_numbers_have_their_sign_their_digits_and_no_minus_before_zero() -> None:
    assert [number(value, 2, sign=True) for value in (1234.5, -0.5, -0.001, None)] == [
        "+1,234.50",
        "\u22120.50",
        "0.00",
        "\u2013",
    ]
    assert lost("accuracy", -0.0035) == "\u22120.35"
    assert lost("r2", 0.0035) == "0.0035"
    assert score("accuracy", 0.9119) == "91.19\u00a0%"


def test_a_row_of_times_has_the_digits_of_its_greatest() -> None:
    assert [milliseconds(value, 17.2) for value in (17.2, 5.081)] == ["17.20", "5.08"]


def test_made_up_rows_prove_nothing_and_the_sentence_says_so() -> None:
    told = documents({"a": candidate("a")}, {"a": "chosen"})
    told["asked"]["ask"]["made_up"] = True
    assert report_of(told)["verdict"]["sentence"] == (
        "a is chosen: what was done changes no answer. All rows were made up, they prove nothing. "
        "It is 4 times smaller and 2.5 times faster."
    )


def test_a_variant_that_has_another_name_is_called_by_it() -> None:
    told = report_of(documents({"a": candidate("a")}, {"a": "chosen"}, variants={"a": "a.2"}))
    assert told["candidates"][0]["variant"] == "a.2"
    assert told["verdict"]["sentence"].endswith("The variant is called a.2: other bytes have its name already.")
    same = report_of(documents({"a": candidate("a")}, {"a": "chosen"}, variants={"a": "a"}))
    assert "called" not in same["verdict"]["sentence"]
