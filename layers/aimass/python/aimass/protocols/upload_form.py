"""The multipart form of `POST /upload` (RFC 7578)."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

import python_multipart
from python_multipart.exceptions import FormParserError

from aimass.domain.errors import InvalidArguments

FILES = ("model", "file", "data")
TEXTS = ("name", "version", "label", "labels")


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


def parse_upload_form(content_type: str, body: bytes) -> UploadForm:
    """Raises InvalidArguments naming every field that is missing, unknown or malformed."""
    texts, files = _parts(content_type, body)
    problems = dict.fromkeys((texts | files).keys() - set(FILES + TEXTS), "unknown field")
    problems |= dict.fromkeys(texts.keys() & set(FILES), "must be a file")
    problems |= dict.fromkeys(files.keys() & set(TEXTS), "must be text, not a file")
    model = files.get("model") or files.get("file")
    if not model and not problems:
        problems["model"] = "missing: send the model as a file in the field 'model' or 'file'"
    if "model" in files and "file" in files:
        problems["file"] = "send either 'model' or 'file'"
    version, labels = texts.get("version"), texts.get("labels")
    if version is not None and not (version.isascii() and version.isdigit() and 1 <= int(version[:7]) <= 999_999):
        problems["version"] = f"must be a number from 1 to 999999, got {version[:40]!r}"
    parsed_labels = _labels(labels, problems) if labels else ()
    if problems or model is None:
        raise InvalidArguments(
            "invalid arguments: " + "; ".join(f"{k}: {v}" for k, v in problems.items()), fields=problems
        )
    return UploadForm(
        model=model,
        data=files.get("data"),
        name=texts.get("name"),
        version=int(version) if version else None,
        label=texts.get("label"),
        labels=parsed_labels,
    )


def _parts(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, FormFile]]:
    texts: dict[str, str] = {}
    files: dict[str, FormFile] = {}
    if not content_type.lower().startswith("multipart/form-data"):
        raise InvalidArguments("send multipart/form-data", fields={"content-type": content_type[:80] or "missing"})

    def on_field(field: python_multipart.multipart.Field) -> None:
        texts[(field.field_name or b"").decode(errors="replace")] = (field.value or b"").decode(errors="replace")

    def on_file(file: python_multipart.multipart.File) -> None:
        file.file_object.seek(0)
        name = (file.file_name or b"").decode(errors="replace").replace("\\", "/").rsplit("/", 1)[-1]
        files[(file.field_name or b"").decode(errors="replace")] = FormFile(name, file.file_object.read())

    headers = {"Content-Type": content_type.encode(), "Content-Length": str(len(body)).encode()}
    try:
        python_multipart.parse_form(headers, io.BytesIO(body), on_field, on_file)
    except (FormParserError, ValueError) as error:
        raise InvalidArguments(f"the multipart body cannot be read: {error}", fields={"body": "malformed"}) from error
    return texts, files


def _labels(text: str, problems: dict[str, str]) -> tuple[str, ...]:
    """A JSON list of strings, or names separated by commas."""
    if not text.lstrip().startswith("["):
        return tuple(name.strip() for name in text.split(","))
    try:
        labels = json.loads(text)
    except ValueError:
        labels = None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        problems["labels"] = "must be a JSON list of strings, or names separated by commas"
        return ()
    return tuple(labels)
