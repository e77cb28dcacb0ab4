"""The multipart form of `POST /upload` (RFC 7578)."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import TypeVar

import python_multipart
from python_multipart.exceptions import FormParserError

from aimass.domain.errors import InvalidArguments
from aimass.domain.names import MAX_NUMBER

Part = TypeVar("Part")
FILES = ("model", "file", "data")
TEXTS = ("name", "version", "label", "labels", "accept_drift")
EITHER = ("description",)  # the document, as text or as a file
_SEVERAL = "sent more than once: send several files as one .tar.gz or .zip"


@dataclass(frozen=True)
class FormFile:
    """A file part: the name its sender gave it, and its bytes."""

    filename: str
    body: bytes


@dataclass(frozen=True)
class UploadForm:
    """The form, validated. `labels` are class names, in the order of the model's outputs."""

    model: FormFile
    data: FormFile | None
    name: str | None
    version: int | None
    label: str | None
    labels: tuple[str, ...]
    description: bytes | None = None
    accept_drift: bool = False


def parse_upload_form(content_type: str, body: bytes) -> UploadForm:
    """Raises InvalidArguments naming every field that is missing, unknown or malformed."""
    texts, files = _parts(content_type, body)
    problems = dict.fromkeys((texts | files).keys() - set(FILES + TEXTS + EITHER), "unknown field")
    problems |= dict.fromkeys(texts.keys() & set(FILES), "must be a file")
    problems |= dict.fromkeys(files.keys() & set(TEXTS), "must be text, not a file")
    problems |= {name: "sent more than once" for name, sent in texts.items() if len(sent) > 1 and name != "labels"}
    problems |= {name: _SEVERAL for name, sent in files.items() if len(sent) > 1 and name not in EITHER}
    described = [text.encode() for text in texts.get("description", [])]
    described += [file.body for file in files.get("description", [])]
    if len(described) > 1:
        problems["description"] = "sent more than once"
    model = _first(files, "model") or _first(files, "file")
    if not model and not problems:
        problems["model"] = "missing: send the model as a file in the field 'model' or 'file'"
    if "model" in files and "file" in files:
        problems["file"] = "send either 'model' or 'file'"
    version = _first(texts, "version") or ""
    if "version" in texts and not re.fullmatch("0{0,5}[1-9][0-9]{0,5}", version[:20]):
        problems["version"] = f"must be a number from 1 to {MAX_NUMBER}, got {version[:40]!r}"
    accept_drift = (_first(texts, "accept_drift") or "false").lower()
    if accept_drift not in {"true", "false"}:
        problems["accept_drift"] = f"must be true or false, got {accept_drift[:40]!r}"
    labels = _labels(texts.get("labels", []), problems)
    if problems or model is None:
        raise InvalidArguments.of_fields(problems)
    return UploadForm(
        model=model,
        data=_first(files, "data"),
        name=_first(texts, "name"),
        version=int(version) if version else None,
        label=_first(texts, "label"),
        labels=labels,
        description=described[0] if described else None,
        accept_drift=accept_drift == "true",
    )


def _parts(content_type: str, body: bytes) -> tuple[dict[str, list[str]], dict[str, list[FormFile]]]:
    """What was sent under each name, in order. Raises InvalidArguments."""
    texts: dict[str, list[str]] = {}
    files: dict[str, list[FormFile]] = {}
    if not content_type.lower().startswith("multipart/form-data"):
        raise InvalidArguments("send multipart/form-data", fields={"content-type": content_type[:80] or "missing"})

    def on_field(field: python_multipart.multipart.Field) -> None:
        texts.setdefault(_text(field.field_name), []).append(_text(field.value))

    def on_file(file: python_multipart.multipart.File) -> None:
        file.file_object.seek(0)
        name = _text(file.file_name).replace("\\", "/").rsplit("/", 1)[-1]
        files.setdefault(_text(file.field_name), []).append(FormFile(name, file.file_object.read()))

    headers = {"Content-Type": content_type.encode(), "Content-Length": str(len(body)).encode()}
    try:
        python_multipart.parse_form(headers, io.BytesIO(body), on_field, on_file)
    except (FormParserError, ValueError) as error:
        raise InvalidArguments(f"the multipart body cannot be read: {error}", fields={"body": "malformed"}) from error
    return texts, files


def _first(sent: dict[str, list[Part]], name: str) -> Part | None:
    return sent[name][0] if name in sent else None


def _text(sent: bytes | None) -> str:
    return (sent or b"").decode(errors="replace")


def _labels(sent: list[str], problems: dict[str, str]) -> tuple[str, ...]:
    """A JSON list of strings, names separated by commas, or a field for each name."""
    if len(sent) > 1:
        return tuple(sent)
    text = sent[0] if sent else ""
    if text.lstrip()[:1] not in {"[", "{"}:
        return tuple(name.strip() for name in text.split(",")) if text else ()
    try:
        labels = json.loads(text)
    except (ValueError, RecursionError):
        labels = None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        problems["labels"] = "must be a JSON list of strings, or names separated by commas"
        return ()
    return tuple(labels)
