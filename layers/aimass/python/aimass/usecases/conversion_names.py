"""The words of a converted model that the states after its conversion carry: 256 KB for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from aimass.domain.errors import ConversionFailed
from aimass.usecases.conversion_result import LeftModel

MAX_NAMES_BYTES = 40_000  # of labels and `describes`


def within_bounds(model: LeftModel) -> LeftModel:
    """What a description can do without is left out where there is too much of it, with a note that says so."""
    for what, lighter in _LIGHTER:
        if _size(model) <= MAX_NAMES_BYTES:
            return model
        described = lighter(model.describes)
        if described != model.describes:
            note = f"{what} take too much room and are left out: describe them in aimass.yaml"
            model = replace(model, describes=described, notes=(note, *model.notes))
    return model


def check_names(model: LeftModel) -> None:
    """Raises ConversionFailed for more words than the states after this one can carry."""
    if (size := _size(model)) > MAX_NAMES_BYTES:
        raise ConversionFailed(
            f"the model's {len(model.labels)} class names take {size} bytes; at most {MAX_NAMES_BYTES}: shorten them"
            " before it is saved",
            size=size,
            limit=MAX_NAMES_BYTES,
        )


def _size(model: LeftModel) -> int:
    return len(msgspec.json.encode([model.labels, model.describes]))


def _without_values(describes: Mapping[str, Any]) -> dict[str, Any]:
    return _with_table(describes, lambda table: table | {"columns": [_named(one) for one in _columns(table)]})


def _named(column: Any) -> Any:
    return {name: value for name, value in column.items() if name != "values"} if isinstance(column, dict) else column


def _columns(table: Mapping[str, Any]) -> list[Any]:
    columns = table.get("columns")
    return columns if isinstance(columns, list) else []


def _without_columns(describes: Mapping[str, Any]) -> dict[str, Any]:
    return _with_table(describes, lambda table: {name: one for name, one in table.items() if name != "columns"})


def _with_table(describes: Mapping[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """The same but for its table, if it has one with columns: whatever else a stranger put there stays."""
    given = describes.get("input")
    table = given.get("table") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(table, dict) or "columns" not in table:
        return dict(describes)
    return {**describes, "input": {**given, "table": change(table)}}


def _nothing(_: Mapping[str, Any]) -> dict[str, Any]:
    return {}


_LIGHTER: tuple[tuple[str, Callable[[Mapping[str, Any]], dict[str, Any]]], ...] = (
    ("the categories of its columns", _without_values),
    ("the names of its columns", _without_columns),
    ("what the original knows of its inputs and outputs", _nothing),
)
