"""Models trained on doubles, whose ONNX takes single precision: what is lost is nothing, or told."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.converters

ROUNDED = "rounded to single precision: "


def _answer(trees: Any, model: str, sample: str | None = None) -> tuple[bool, list[str]]:
    answer: dict[str, Any] = trees(family="rounding", model=model, sample=sample)
    assert not {"error", "raised"} & answer.keys(), answer
    notes = [note for note in answer["notes"] if note.startswith(ROUNDED)]
    return all(one["within"] for one in answer["replay"]["differences"]), notes


@pytest.mark.parametrize("sample", [None, "given"])
@pytest.mark.parametrize(
    "model", ["histogram_prices", "forest_prices", "logistic_prices", "forest_hour", "xgboost_hour"]
)
def test_doubles_that_the_model_does_not_need_or_that_floats_stand_for_lose_nothing(
    trees: Any, model: str, sample: str | None
) -> None:
    assert _answer(trees, model, sample) == (True, [])


@pytest.mark.parametrize("model", ["histogram_hour", "lightgbm_hour", "forest_scaled_hour", "neighbours_hour"])
def test_timestamps_that_single_precision_does_not_hold_are_drift_with_the_column(trees: Any, model: str) -> None:
    within, notes = _answer(trees, model, "given")
    assert not within
    assert "input 'input', column 0 (counted from 0): up to 6" in notes[0]


@pytest.mark.parametrize("model", ["histogram_hour", "lightgbm_hour"])
def test_without_a_sample_thresholds_that_single_precision_has_as_one_are_drift(trees: Any, model: str) -> None:
    within, notes = _answer(trees, model)
    assert not within
    assert notes
