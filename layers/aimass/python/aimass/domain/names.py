"""Names that callers choose, and the rules they keep."""

from __future__ import annotations

import re

from aimass.domain.errors import InvalidArguments

MODEL_NAME = r"[a-z0-9][a-z0-9._-]{0,62}"
_NAME = re.compile(MODEL_NAME)
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
    return check_name("name", _NOT_ALLOWED.sub("-", stem).strip("-._")[:63])


def check_filename(value: str) -> str:
    """Returns a plain file name that can be an S3 key's last part. Raises InvalidArguments otherwise."""
    if not value or len(value) > 255 or value in {".", "..", "_COMPLETE"} or re.search(r"[/\\\x00-\x1f\x7f]", value):
        raise InvalidArguments(
            "filename must be a plain file name of 1 to 255 characters", fields={"filename": repr(value[:80])}
        )
    return value
