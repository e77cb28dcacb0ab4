"""What a file is, by its content and never by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aimass.domain.errors import UnsupportedFormat
from aimass.formats import archive, documents, onnx, zipped
from aimass.formats.content import Content, mapped
from aimass.formats.registry import CONVERTERS, converter_of

ACCEPTED = ", ".join(
    (
        "ONNX (.onnx, with external data in .tar.gz, .zip or several files; .ort)",
        *(converter.accepted for converter in CONVERTERS if converter.accepted),
    )
)
UNKNOWN = "unknown"

_TITLES: dict[str, str] = {
    name: title
    for titles in (
        zipped.TITLES,
        archive.TITLES,
        onnx.TITLES,
        documents.TITLES,
        *(converter.titles for converter in CONVERTERS),
    )
    for name, title in titles.items()
}
_NO_MODELS = {*documents.TITLES, "npz", "office", UNKNOWN}
_WITH_MAGIC = tuple(converter.recognise for converter in CONVERTERS if not converter.structural)
_MEMBERS = tuple(row for converter in CONVERTERS for row in converter.members)


def _compressed(head: bytes) -> str | None:
    for converter in CONVERTERS:
        if converter.compressed and (name := converter.recognise(head)) in converter.compressed:
            return name
    return None


# Those with magic bytes come before those that only their structure gives away.
_RECOGNISERS: tuple[Callable[[Content], str | None], ...] = (
    lambda content: zipped.recognise(content, _MEMBERS),
    *_WITH_MAGIC,
    lambda content: archive.recognise(content, _compressed),
    onnx.recognise,
    *(converter.recognise for converter in CONVERTERS if converter.structural),
    documents.recognise,
)


def recognise(path: Path) -> str:
    """The format's short name, such as `onnx`, `tar.gz` or `tflite`; `unknown` when nothing fits.

    Raises TruncatedModel for an ONNX file whose end is missing.
    """
    with mapped(path) as content:
        return recognise_content(content)


def recognise_content(content: Content) -> str:
    """As `recognise`, of bytes."""
    return next((name for family in _RECOGNISERS if (name := family(content)) is not None), UNKNOWN)


def title(name: str) -> str:
    """The format's name as a sentence has it: `a Keras model (.keras)`."""
    return _TITLES.get(name, "nothing that is known here")


def is_document(name: str) -> bool:
    """Whether this is certainly no model: a text, a picture, an empty file, or unknown."""
    return name in _NO_MODELS


def unsupported(name: str) -> UnsupportedFormat:
    """The refusal of a file of that format, with the way to one that is taken where there is one."""
    converter = converter_of(name)
    remedy = converter.refused.get(name, "") if converter else ""
    if is_document(name):
        verdict = f"not a model: the file is {title(name)}"
    else:
        verdict = f"recognised as {title(name)}, which is not taken" + (f": {remedy}" if remedy else "")
    return UnsupportedFormat(f"{verdict}. Accepted: {ACCEPTED}", format=name, remedy=remedy, accepted=ACCEPTED)
