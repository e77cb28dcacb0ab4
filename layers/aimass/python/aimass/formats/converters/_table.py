"""What a converter says of a model's one table, as `Converted.describes` has it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

NAN = "nan"  # as JSON and the description's schema have it
# What the schema takes of categories, and what all of them may come to: with labels and columns a state has 40,000.
_MOST_COLUMNS, _MOST_VALUES, _LONGEST, _MOST_BYTES = 2000, 10_000, 1000, 25_000


def table(
    names: Sequence[str],
    values: Mapping[str, Sequence[str]] | None = None,
    *,
    takes_nan: bool = False,
    missing: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The section `input`: columns by name, in their order; `values` are the categories of some of them.

    `takes_nan` says that the model takes NaN for a missing cell, `missing` what some columns take. Without names there
    is nothing but that, nor with more of them than a description can have. Categories that it can't have are left out.
    """
    known, filled = _kept(values or {}), missing or {}
    columns = [
        {"name": name}
        | ({"values": list(known[name])} if name in known else {})
        | ({"missing": filled[name]} if name in filled else {})
        for name in names
    ]
    section: dict[str, Any] = {"missing": NAN} if takes_nan else {}
    if 0 < len(columns) <= _MOST_COLUMNS:
        section["columns"] = columns
    return {"input": {"table": section}} if section else {}


def _kept(values: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    kept, left = {}, _MOST_BYTES
    for name, column in values.items():
        if 0 < len(set(column)) == len(column) <= _MOST_VALUES and all(map(_fits, column)):
            size = len(json.dumps(list(column), ensure_ascii=False).encode())
            if size <= left:
                kept[name] = column
                left -= size
    return kept


def _fits(value: str) -> bool:
    return len(value) <= _LONGEST and value.isprintable()
