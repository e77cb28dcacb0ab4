"""What a file is, by its content and never by its name."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from aimass.domain.errors import UnsupportedFormat
from aimass.formats import (
    archive,
    coreml,
    documents,
    onnx,
    paddle,
    pickled,
    tensorflow,
    trees,
    weights,
    zipped,
)
from aimass.formats.content import Content, mapped

ACCEPTED = "ONNX (.onnx, with external data in .tar.gz, .zip or several files)"
UNKNOWN = "unknown"

# Those with magic bytes come before those that only their structure gives away.
_FAMILIES: tuple[ModuleType, ...] = (
    zipped,
    weights,
    pickled,
    trees,
    archive,
    onnx,
    tensorflow,
    paddle,
    coreml,
    documents,
)
_TITLES: dict[str, str] = {name: title for family in _FAMILIES for name, title in family.TITLES.items()}
_NO_MODELS = documents.TITLES.keys() - {"pmml", "openvino"} | {"npz", "office", UNKNOWN}


def recognise(path: Path) -> str:
    """The format's short name, such as `onnx`, `tar.gz` or `tflite`; `unknown` when nothing fits.

    Raises TruncatedModel for an ONNX file whose end is missing.
    """
    with mapped(path) as content:
        return recognise_content(content)


def recognise_content(content: Content) -> str:
    """As `recognise`, of bytes."""
    for family in _FAMILIES:
        name: str | None = family.recognise(content)
        if name is not None:
            return name
    return UNKNOWN


def title(name: str) -> str:
    """The format's name as a sentence has it: `a Keras model (.keras)`."""
    return _TITLES.get(name, "nothing that is known here")


def is_document(name: str) -> bool:
    """Whether this is certainly no model: a text, a picture, an empty file, or unknown."""
    return name in _NO_MODELS


def unsupported(name: str) -> UnsupportedFormat:
    """The refusal of a file of that format."""
    verdict = (
        f"not a model: the file is {title(name)}"
        if is_document(name)
        else f"recognised as {title(name)}; not yet converted"
    )
    return UnsupportedFormat(f"{verdict}. Accepted: {ACCEPTED}", format=name, accepted=ACCEPTED)
