"""Names that callers choose, and the rules they keep."""

from __future__ import annotations

import re

from aimass.domain.errors import InvalidArguments

MAX_NUMBER = 999_999  # a sort key holds six digits
MAX_LABEL = 256
MAX_LABELS_BYTES = 100_000
MAX_FILENAME_BYTES = 200
MAX_TEXT = 4000  # characters of a description or of notes
MAX_TAGS = 20
TAG_KEY = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
TAG_VALUE = r"[A-Za-z0-9._ -]{0,128}"
MODEL_NAME = r"[a-z0-9][a-z0-9._-]{0,62}"
_NAME = re.compile(MODEL_NAME)
_CONTROL_OR_SLASH = re.compile(r"[/\\\x00-\x1f\x7f]")
_NOT_ALLOWED = re.compile(r"[^a-z0-9._-]+")
_ENDINGS = (".tar.gz", ".tgz", ".onnx", ".zip", ".tar", ".ort")


def check_name(field: str, value: str) -> str:
    """Returns a valid model, alias or tenant name. Raises InvalidArguments with the rule."""
    if not _NAME.fullmatch(value):
        raise InvalidArguments(f"{field} must match {MODEL_NAME}", fields={field: f"got {value[:80]!r}"})
    return value


def name_from_filename(filename: str) -> str:
    """A model name of a file's name: `My Model.onnx` becomes `my-model`. Raises InvalidArguments if nothing is left."""
    stem = filename.replace("\\", "/").rsplit("/", 1)[-1].lower()
    for ending in _ENDINGS:
        stem = stem.removesuffix(ending)
    name = _NOT_ALLOWED.sub("-", stem).strip("-._")[:63]
    if not name:
        raise InvalidArguments(
            f"no model name can be made of the file name {filename[:80]!r}; send `name`", fields={"name": "missing"}
        )
    return check_name("name", name)


def check_filename(value: str) -> str:
    """Returns a plain file name that can be an S3 key's last part. Raises InvalidArguments otherwise."""
    size = len(value.encode(errors="replace"))
    if not 1 <= size <= MAX_FILENAME_BYTES or value in {".", "..", "_COMPLETE"} or _CONTROL_OR_SLASH.search(value):
        raise InvalidArguments(
            f"filename must be a plain file name of 1 to {MAX_FILENAME_BYTES} bytes",
            fields={"filename": repr(value[:80])},
        )
    return value


def check_alias(value: str) -> str:
    """Returns a valid alias: a name that cannot be taken for a version's number. Raises InvalidArguments."""
    if value.isdigit() or value == "latest":
        raise InvalidArguments(
            "an alias must not be a number, which names a version, nor 'latest'", fields={"alias": value[:80]}
        )
    return check_name("alias", value)


def check_texts(label: str | None, labels: tuple[str, ...]) -> None:
    """Raises InvalidArguments for a label, or class names, longer than a version's record can hold."""
    if label and len(label) > MAX_LABEL:
        raise InvalidArguments(
            f"label is longer than {MAX_LABEL} characters", fields={"label": f"{len(label)} characters"}
        )
    size = sum(len(one.encode(errors="replace")) + 4 for one in labels)
    if size > MAX_LABELS_BYTES:
        raise InvalidArguments(
            f"labels take {size} bytes together; at most {MAX_LABELS_BYTES}", fields={"labels": f"{len(labels)} labels"}
        )


def check_tags(tags: dict[str, str]) -> dict[str, str]:
    """Returns valid tags. Raises InvalidArguments naming each that is not."""
    wrong = {
        f"tags.{key[:80]}": f"a key matches {TAG_KEY}, a value {TAG_VALUE}"
        for key, value in tags.items()
        if not re.fullmatch(TAG_KEY, key) or not re.fullmatch(TAG_VALUE, value)
    }
    if len(tags) > MAX_TAGS:
        wrong["tags"] = f"{len(tags)} are more than {MAX_TAGS}"
    if wrong:
        raise InvalidArguments.of_fields(wrong)
    return tags


def parse_tag(text: str) -> tuple[str, str]:
    """`key:value` of a filter. Raises InvalidArguments."""
    key, separator, value = text.partition(":")
    if not separator:
        raise InvalidArguments.of_fields({"tag": f"write key:value, got {text[:80]!r}"})
    check_tags({key: value})
    return key, value
