"""The section `input.table`, filled in from the model's inputs and checked against them."""

from __future__ import annotations

import math
from collections import Counter

from aimass.domain.datatypes import FLOATS, is_tensor
from aimass.domain.description import Column, TableInput
from aimass.domain.model import TensorSpec
from aimass.formats.description_draft import Draft, quoted
from aimass.formats.description_schema import NAN, ColumnSection, TableSection
from aimass.formats.description_yaml import Path
from aimass.formats.seen import Seen, is_matrix

_AT = ("input", "table")


def table_input(section: TableSection, draft: Draft) -> TableInput | None:
    """Notes every problem in the draft."""
    default, written = _default(section, draft), section.columns or []
    if not written:
        draft.wrong((*_AT, "columns"), "is missing")
    columns = [_column(one, (*_AT, "columns", at), default, section.missing, draft) for at, one in enumerate(written)]
    for at, count in enumerate(_repeats([one.name for one in written])):
        if count:
            draft.wrong((*_AT, "columns", at, "name"), f"is another column's name too: {quoted(written[at].name)}")
    whole = [column for column in columns if column]
    if len(whole) < len(columns):
        return None
    _fills(whole, draft)
    draft.covers((*_AT, "columns"), [column.input for column in whole], "a row")
    return TableInput(tuple(whole))


def without_names(section: TableSection | None, seen: Seen) -> bool:
    """Whether it says of missing cells alone, and rows go to the only input as they stand: a matrix of floats."""
    if section is None or section.missing is None or section.columns is not None or len(seen.inputs) != 1:
        return False
    return is_matrix(seen.inputs[0]) and section.input in {None, seen.inputs[0].name}


def _repeats(names: list[str]) -> list[int]:
    """For each name how often it came before."""
    seen: Counter[str] = Counter()
    before = []
    for name in names:
        before.append(seen[name])
        seen[name] += 1
    return before


def _default(section: TableSection, draft: Draft) -> TensorSpec | None:
    """The input of columns that name none."""
    if section.input is not None:
        return draft.named((*_AT, "input"), section.input, draft.seen.inputs, "input")
    return draft.seen.inputs[0] if len(draft.seen.inputs) == 1 else None


def _column(
    section: ColumnSection, at: Path, default: TensorSpec | None, missing: float | None, draft: Draft
) -> Column | None:
    """`missing` is what the table says for columns that say nothing of it."""
    spec = default
    own = next((one for one in draft.seen.inputs if one.name == section.name), None)
    if section.input is not None:
        spec = draft.named((*at, "input"), section.input, draft.seen.inputs, "input")
    elif own is not None:
        spec = own
    elif default is None:
        draft.wrong((*at, "input"), f"is missing: no input of the model is called {quoted(section.name)}")
    if spec is None:
        return None
    if not is_tensor(spec.onnx_type) or len(spec.shape) not in {1, 2}:
        draft.wrong(
            (*at, "input"), f"names {quoted(spec.name)}, of shape {list(spec.shape)}; rows need [rows, columns]"
        )
    _check_values(section, spec, at, draft)
    return Column(section.name, spec.name, _missing(section, spec, missing), tuple(section.values or ()))


def _missing(section: ColumnSection, spec: TensorSpec, of_table: float | None) -> float | str | None:
    """NaN as a text, for JSON and the registry have no such number."""
    if section.has("missing"):
        return NAN if _is_nan(section, spec) else section.missing
    return NAN if of_table is not None and spec.datatype in FLOATS else None


def _is_nan(section: ColumnSection, spec: TensorSpec) -> bool:
    """Whether `missing` is NaN here: as a number, or as that word where it can be no category and no string."""
    missing = section.missing
    if spec.datatype not in FLOATS or missing is None:
        return False
    if isinstance(missing, str):
        return missing.lower() == NAN and missing not in (section.values or ())
    return math.isnan(missing)


def _check_values(section: ColumnSection, spec: TensorSpec, at: Path, draft: Draft) -> None:
    strings, missing, values = spec.datatype == "BYTES", section.missing, section.values
    if _is_nan(section, spec):
        missing = None
    if values and len(set(values)) < len(values):
        draft.wrong((*at, "values"), "has a value twice")
    elif values and missing is not None and missing not in values:
        draft.wrong((*at, "missing"), "must be one of the values")
    elif not values and strings and isinstance(missing, float):
        draft.wrong((*at, "missing"), f"must be text, as {quoted(spec.name)} takes strings: quote it")
    elif isinstance(missing, float) and math.isnan(missing):
        draft.wrong((*at, "missing"), f"can't be NaN: {quoted(spec.name)} is {spec.datatype}, only floats have that")
    elif not values and not strings and isinstance(missing, str):
        draft.wrong((*at, "missing"), f"must be a number, as {quoted(spec.name)} is {spec.datatype}")


def _fills(columns: list[Column], draft: Draft) -> None:
    """Columns of an input are as many as it is wide."""
    counts = Counter(column.input for column in columns)
    for spec in draft.seen.inputs:
        count = counts[spec.name]
        wide = 1 if len(spec.shape) == 1 else spec.shape[-1]
        if count and wide not in {-1, count}:
            draft.wrong((*_AT, "columns"), f"are {count} for input {quoted(spec.name)}, which is {wide} wide")
