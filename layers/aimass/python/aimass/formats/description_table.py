"""The section `input.table`, filled in from the model's inputs and checked against them."""

from __future__ import annotations

from collections import Counter

from aimass.domain.datatypes import is_tensor
from aimass.domain.description import Column, TableInput
from aimass.domain.model import TensorSpec
from aimass.formats.description_draft import Draft, quoted
from aimass.formats.description_schema import ColumnSection, TableSection
from aimass.formats.description_yaml import Path

_AT = ("input", "table")


def table_input(section: TableSection, draft: Draft) -> TableInput | None:
    """Notes every problem in the draft."""
    default = _default(section, draft)
    columns = [_column(one, (*_AT, "columns", at), default, draft) for at, one in enumerate(section.columns)]
    for at, count in enumerate(_repeats([one.name for one in section.columns])):
        if count:
            draft.wrong(
                (*_AT, "columns", at, "name"), f"is another column's name too: {quoted(section.columns[at].name)}"
            )
    whole = [column for column in columns if column]
    if len(whole) < len(columns):
        return None
    _fills(whole, draft)
    draft.covers((*_AT, "columns"), [column.input for column in whole], "a row")
    return TableInput(tuple(whole))


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


def _column(section: ColumnSection, at: Path, default: TensorSpec | None, draft: Draft) -> Column | None:
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
    missing = section.missing
    return Column(section.name, spec.name, missing, tuple(section.values or ()))


def _check_values(section: ColumnSection, spec: TensorSpec, at: Path, draft: Draft) -> None:
    strings, missing, values = spec.datatype == "BYTES", section.missing, section.values
    if values and strings:
        draft.wrong((*at, "values"), f"must be left out: {quoted(spec.name)} takes strings as they are")
    elif values and len(set(values)) < len(values):
        draft.wrong((*at, "values"), "has a value twice")
    elif values and missing is not None and missing not in values:
        draft.wrong((*at, "missing"), "must be one of the values")
    elif not values and strings and isinstance(missing, float):
        draft.wrong((*at, "missing"), f"must be text, as {quoted(spec.name)} takes strings: quote it")
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
