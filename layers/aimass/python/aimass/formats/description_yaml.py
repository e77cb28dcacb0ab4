"""A small, strict YAML: what a model description may be written in, with the line of each value.

YAML's events are read one by one, so that depth, size, anchors, aliases and tags are refused before they cost memory.
A plain word that YAML 1.1 and 1.2 read differently (`no`, `1_000`, `2024-01-01`) is no value: it must be quoted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aimass.domain.errors import InvalidArguments

MAX_BYTES = 256 * 1024
MAX_DEPTH = 8
MAX_VALUES = 50_000
Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})")
_NUMBER = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,4})?")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_ESCAPE = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)", re.DOTALL)


@dataclass(frozen=True)
class Unquoted:
    """A plain word that is text to one reader of YAML and something else to another."""

    text: str


@dataclass
class Read:
    """A document as JSON values, the line of each by its path, from 1, and what is wrong with it already."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: dict[Path, str] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)  # what stands there for a number, true or false

    def line(self, path: Path) -> int:
        """The line of the value at the path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(body: bytes) -> Read:
    """Reads one document of at most 256 KB. Raises InvalidArguments naming the line of what cannot be read."""
    import yaml  # type: ignore[import-untyped]

    text = _text(body)
    try:
        return _Reader(yaml, yaml.parse(text, Loader=yaml.CSafeLoader)).read()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _refused(mark.line + 1 if mark else _line_of(error, text), _reason(error)) from None


def _text(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise InvalidArguments(
            f"the model description has {len(body)} bytes; at most {MAX_BYTES}", fields={"body": f"{len(body)} bytes"}
        )
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(body.count(b"\n", 0, error.start) + 1, "it is not UTF-8") from None
    return _as_yaml(text) if text.lstrip()[:1] == "{" else text


def _as_yaml(text: str) -> str:
    """JSON has two things that YAML's parser does not read: tabs between values, and surrogate pairs as escapes."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return _ESCAPE.sub(_joined, text).replace("\t", " ")


def _joined(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[0]
    return chr(0x10000 + ((int(escape[1], 16) - 0xD800) << 10) + int(escape[2], 16) - 0xDC00)


def _line_of(error: Exception, text: str) -> int:
    """Characters that YAML does not allow are reported without a mark, by their position."""
    at = getattr(error, "position", 0)
    return text.encode()[: at if isinstance(at, int) else 0].count(b"\n") + 1


def _reason(error: Exception) -> str:
    told = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return f"it cannot be read as YAML or JSON: {told}"[:300]


def _refused(line: int, why: str) -> InvalidArguments:
    problem = f"line {line}: {why}"
    return InvalidArguments(f"the model description: {problem}", fields={"body": problem})


class _Reader:
    """Builds values of events."""

    def __init__(self, yaml: Any, events: Iterator[Any]) -> None:
        self._yaml = yaml
        self._events = events
        self._resolvers = yaml.SafeLoader.yaml_implicit_resolvers
        self._found = Read()
        self._left = MAX_VALUES

    def read(self) -> Read:
        yaml, documents = self._yaml, 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _refused(_line(event), "a second document begins; write one")
                self._found.value = self._value(next(self._events), ())
        return self._found

    def _value(self, event: Any, path: Path) -> Any:
        yaml = self._yaml
        self._check(event, path)
        self._found.lines.setdefault(path, _line(event))
        if isinstance(event, yaml.ScalarEvent):
            return self._noted(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return [self._value(inner, (*path, at)) for at, inner in enumerate(self._until(yaml.SequenceEndEvent))]
        return self._mapping(path)

    def _until(self, end: type) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self._until(self._yaml.MappingEndEvent):
            self._check(event, path)
            if not isinstance(event, self._yaml.ScalarEvent):
                raise _refused(_line(event), "a key must be a word, not a list or a mapping")
            key = event.value
            if key in found:
                self._found.problems[(*path, key)] = "is written twice"
            self._found.lines[(*path, key)] = _line(event)
            found[key] = self._value(next(self._events), (*path, key))
        return found

    def _check(self, event: Any, path: Path) -> None:
        self._left -= 1
        if self._left < 0 or len(path) > MAX_DEPTH:
            limit = f"{MAX_VALUES} values" if self._left < 0 else f"{MAX_DEPTH} levels"
            raise _refused(_line(event), f"there are more than {limit}")
        if isinstance(event, self._yaml.AliasEvent):
            raise _refused(_line(event), f"an alias (*{event.anchor[:40]}); write the value itself, or quote it")
        if event.anchor:
            raise _refused(
                _line(event), f"an anchor (&{event.anchor[:40]}); anchors are not read, quote it if it is text"
            )
        if event.tag:
            raise _refused(_line(event), f"a tag ({event.tag[:40]}); tags are not read, quote it if it is text")

    def _noted(self, event: Any, path: Path) -> Any:
        value = self._scalar(event)
        if isinstance(value, bool | int | float):
            self._found.written[path] = event.value
        return value

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
            return float(text)
        candidates = self._resolvers.get(text[0], []) + self._resolvers.get(None, [])
        return Unquoted(text) if any(pattern.match(text) for _, pattern in candidates) else text


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1
