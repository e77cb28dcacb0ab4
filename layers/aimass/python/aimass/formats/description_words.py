"""Holds a document to the schema, and has the words for what is wrong with it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from aimass.domain.description import SCHEMA
from aimass.formats.description_schema import (
    TAGS,
    BatchingSection,
    ColumnSection,
    CropSection,
    DocumentSection,
    ImageSection,
    InputSection,
    OutputSection,
    ResizeSection,
    Section,
    TableSection,
    TextSection,
)
from aimass.formats.description_yaml import Path, Read, Unquoted

_MOST_SHOWN = 60
_MOST_PROBLEMS = 100


def checked(read: Read) -> DocumentSection | None:
    """The document where it keeps the schema; else `read.problems` say all that is wrong with it."""
    if not isinstance(read.value, dict):
        read.problems[()] = f"must be a mapping that begins with `aimass: {SCHEMA}`, got {shown(read.value)}"
        return None
    try:
        document = DocumentSection.model_validate(read.value)
    except ValidationError as error:
        for one in error.errors(include_url=False)[:_MOST_PROBLEMS]:
            path, problem = _problem(one, read)
            read.problems.setdefault(path, problem)
        return None
    return document if not read.problems else None


def shown(value: Any) -> str:
    """A value as a message can carry it."""
    if isinstance(value, dict | list):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = value.text if isinstance(value, Unquoted) else repr(value)
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"


_EXPECTED = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
    "too_short": "must have {min_length} or more",
    "too_long": "must have at most {max_length}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
}


def _problem(error: ErrorDetails, read: Read) -> tuple[Path, str]:
    kind, got, loc = error["type"], error["input"], error["loc"]
    path = tuple(part for part in loc if part not in TAGS)
    if kind == "missing":
        return path, "is missing"
    if kind == "extra_forbidden":
        *parents, name = loc
        return (*path[: len(parents)], name), f"is unknown; {_nearest(str(name), _keys(tuple(parents)))}"
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return path, f"must be a mapping of {', '.join(_keys(path))}; got {shown(got)}"
    expected = _EXPECTED[kind].format(**error.get("ctx", {})) if kind in _EXPECTED else error["msg"]
    told = _cut(read.written[path]) if path in read.written else shown(got)
    ambiguous = isinstance(got, Unquoted) or (kind == "string_type" and path in read.written)
    if ambiguous and "text" in expected:
        return path, f'{expected}, and unquoted {told} may be read as something else: quote it, "{told}"'
    return path, f"{expected}, got {told}"


def _nearest(name: str, keys: list[str]) -> str:
    close = get_close_matches(name[:_MOST_SHOWN].lower(), keys, 1)
    there_are = f"there are {', '.join(keys)}"
    return f"did you mean {close[0]}? {there_are}" if close else there_are


_SECTIONS: dict[str, type[Section]] = {
    "image": ImageSection,
    "resize": ResizeSection,
    "crop": CropSection,
    "text": TextSection,
    "table": TableSection,
    "columns": ColumnSection,
    "batching": BatchingSection,
}


def _keys(path: Path) -> list[str]:
    names = [part for part in path if isinstance(part, str)]
    top: dict[str, type[Section]] = {"input": InputSection, "output": OutputSection}
    section: type[Section] = DocumentSection
    if names:
        section = _SECTIONS.get(names[-1]) or top[names[0]]
    return [name for name in section.model_fields if name != "inferred"]
