"""What converters of tables say of columns, without their libraries."""

from __future__ import annotations

import pytest

from aimass.formats.converters._lightgbm_trees import categories_of as lightgbm_categories
from aimass.formats.converters._table import table
from aimass.formats.converters._xgboost_trees import categories_of as xgboost_categories
from aimass.formats.known_sections import known_sections

_COLORS = ["red", "blue"]


def test_a_table_names_its_columns_their_values_and_what_is_missing() -> None:
    assert table(["age", "color", "town"], {"color": _COLORS}, takes_nan=True, missing={"town": ""}) == {
        "input": {
            "table": {
                "missing": "nan",
                "columns": [{"name": "age"}, {"name": "color", "values": _COLORS}, {"name": "town", "missing": ""}],
            }
        }
    }
    assert table([]) == {}


@pytest.mark.parametrize(
    "values",
    [["a", "a"], ["line\nbreak"], ["x" * 1001], [], [str(one) for one in range(10_001)]],
    ids=["twice", "control", "long", "none", "many"],
)
def test_values_that_a_description_cannot_have_leave_the_columns_name(values: list[str]) -> None:
    described = table(["color", "other"], {"color": values, "other": _COLORS})
    assert described["input"]["table"]["columns"] == [{"name": "color"}, {"name": "other", "values": _COLORS}]
    assert known_sections(described).input is not None


def test_a_table_of_more_columns_than_a_description_can_have_says_what_is_missing_alone() -> None:
    assert table([str(index) for index in range(2001)], takes_nan=True) == {"input": {"table": {"missing": "nan"}}}


def test_the_values_of_all_columns_are_bounded() -> None:
    names = [f"column_{index}" for index in range(30)]
    described = table(names, {name: [f"{index:0100}" for index in range(100)] for name in names})
    kept = [one for one in described["input"]["table"]["columns"] if "values" in one]
    assert 1 <= len(kept) <= 2
    letters = table(["town", "color"], {"town": ["ä" * 800 + str(number) for number in range(20)], "color": _COLORS})
    assert letters["input"]["table"]["columns"] == [{"name": "town"}, {"name": "color", "values": _COLORS}]


def _dump(**more: object) -> dict[str, object]:
    infos = {"color": {"values": [-1, 1, 0]}, "size": {"values": [-1, 0]}}
    return {"feature_names": ["age", "color", "size"], "feature_infos": infos, **more}


def test_lightgbm_names_categories_only_of_columns_that_are_known_to_have_them() -> None:
    both = _dump(pandas_categorical=[_COLORS, [1, 5]])
    assert lightgbm_categories(both, [2, 1]) == {"color": _COLORS, "size": ["1", "5"]}
    assert lightgbm_categories(both, [1]) == {}
    assert lightgbm_categories(both, [1, 9]) == {}
    assert lightgbm_categories(_dump(), [1]) == {}
    assert lightgbm_categories(_dump(pandas_categorical=[["red"]]), [1]) == {}, "number 1 was seen, and has no name"


def _learner(*encoded: dict[str, object]) -> dict[str, object]:
    return {"gradient_booster": {"model": {"cats": {"enc": list(encoded)}}}}


def test_xgboost_names_categories_that_are_texts_or_numbers() -> None:
    texts = {"offsets": [0, 3, 7], "values": [*b"redblue"]}
    found = xgboost_categories(_learner({"offsets": [], "values": []}, texts, {"type": 15, "values": [1, 5]}), "abc")
    assert found == {"b": ["red", "blue"], "c": ["1", "5"]}
    assert xgboost_categories({"gradient_booster": {"model": {}}}, "abc") == {}
    dart = {"gradient_booster": {"gbtree": _learner(texts)["gradient_booster"]}}
    assert xgboost_categories(dart, ["color"]) == {"color": ["red", "blue"]}


def test_xgboost_s_names_beyond_ascii_are_left_out_as_it_cuts_them() -> None:
    """As XGBoost 3.2 writes Köln and Paris: 9 letters, of 10 bytes."""
    cut = {"offsets": [0, 4, 9], "values": [75, -61, -74, 108, 110, 80, 97, 114, 105]}
    assert xgboost_categories(_learner(cut), ["town"]) == {}
