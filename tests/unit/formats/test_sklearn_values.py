"""The texts that an encoder takes are named where it refuses all others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from aimass.formats.converters._sklearn_inputs import inputs_of

ROWS = np.array([[1.0, "x", "p"], [2.0, "y", None], [3.0, "x", "q"], [4.0, "z", "p"]], object)


def columns(*transformers: Any, rows: Any = ROWS) -> Any:
    model = make_pipeline(ColumnTransformer(list(transformers)), LogisticRegression()).fit(rows, [0, 1, 0, 1])
    return inputs_of(model).describes["input"]["table"]["columns"]


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder()])
def test_a_strict_encoder_names_its_categories(encoder: Any) -> None:
    found = columns(("number", "passthrough", [0]), ("word", encoder, [1]), rows=ROWS[:, :2])
    assert found == [{"name": "column_0"}, {"name": "column_1", "values": ["x", "y", "z"]}]


def test_one_that_ignores_others_names_none() -> None:
    ignores = OneHotEncoder(handle_unknown="ignore")
    found = columns(("number", "passthrough", [0]), ("word", ignores, [1]), rows=ROWS[:, :2])
    assert found == [{"name": "column_0"}, {"name": "column_1"}]


def test_none_is_an_empty_text_where_it_is_a_category() -> None:
    found = columns(("number", "passthrough", [0]), ("words", OneHotEncoder(), [1, 2]))
    assert found[1] == {"name": "column_1", "values": ["x", "y", "z"]}
    assert found[2] == {"name": "column_2", "values": ["p", "q", ""], "missing": ""}
