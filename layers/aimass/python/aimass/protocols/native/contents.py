"""Files and raw bodies: what they are, by the format asked for, the name, the media type, or by their first bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import Version
from aimass.inference.jsontext import loads
from aimass.protocols.native import npy, unrecognised
from aimass.protocols.native.charset import text_in
from aimass.protocols.native.given import Given, Payload, Prepare
from aimass.protocols.native.payloads import are_texts, payload_of_json, pictures, takes_texts, texts, wrong_data
from aimass.protocols.native.signatures import foreign_format, is_picture, plain_text
from aimass.protocols.native.table import table_of, takes_tables
from aimass.protocols.native.unrecognised import read_bytes

MEDIA_TYPES = {
    "application/x-npy": "npy",
    "application/x-npz": "npy",
    "application/json": "json",
    "application/octet-stream": "bytes",
    "text/csv": "csv",
    "text/plain": "text",
    "application/x-www-form-urlencoded": "anything",  # what curl says of every body
    "": "anything",
}
_ENDINGS = {".npy": "npy", ".npz": "npy", ".csv": "csv", ".txt": "text", ".json": "json"} | dict.fromkeys(
    (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".svg"), "image"
)


@dataclass(frozen=True)
class Content:
    """A file, a form's text or a raw body. `media_type` is its header as it came, "" for none."""

    body: bytes
    media_type: str = ""
    filename: str = ""
    typed: bool = False  # a form's text, not a file


def payload_of(contents: Sequence[Content], input_format: str | None) -> Payload:
    """The reader of one content or several. Raises InvalidArguments for kinds that cannot go together."""
    kind_of = _kind if len(contents) == 1 else _kind_among_several
    kinds = {kind_of(one, input_format) for one in contents}
    if len(kinds) > 1:
        raise wrong_data(f"is of several kinds: {', '.join(sorted(kinds))}; send those of one kind a call")
    (kind,) = kinds
    if len(contents) > 1 and kind in {"json", "numpy array", "csv", "bytes", "anything"}:
        raise wrong_data(f"{len(contents)} came, and of this kind ({kind}) a call takes one")
    return _READERS[kind](contents)


def media_type_of(header: str) -> str:
    """The media type in lower case, without its parameters."""
    return header.partition(";")[0].strip().lower()


def unsaid(media_type: str) -> bool:
    """Whether it says nothing of a body: there is none, or curl's default."""
    return MEDIA_TYPES.get(media_type) == "anything"


def _kind(content: Content, input_format: str | None) -> str:
    named = _ENDINGS.get("." + content.filename.lower().rpartition(".")[2]) if content.filename else None
    said = media_type_of(content.media_type)
    if input_format == "numpy array" and (content.body.startswith((npy.MAGIC, npy.ZIP)) or named == "npy"):
        return "npy"
    if input_format:
        return input_format
    if named:
        return named
    if said.startswith("image/"):
        return "image"
    if content.typed and said == "text/plain":  # as some clients say of every field
        said = ""
    if said in MEDIA_TYPES:
        kind = MEDIA_TYPES[said]
        return "npy" if kind in {"bytes", "anything"} and content.body.startswith(npy.MAGIC) else kind
    there_are = ", ".join(filter(None, [*MEDIA_TYPES, "image/*", "multipart/form-data"]))
    raise InvalidArguments.of_fields({"content-type": f"{said[:80]!r} is not taken; there are: {there_are}"})


def _kind_among_several(content: Content, input_format: str | None) -> str:
    """Of what nothing is said, pictures and texts alone can be several."""
    kind = _kind(content, input_format)
    if kind in {"bytes", "anything"} and is_picture(content.body):
        return "image"
    return "text" if kind == "anything" and plain_text(content.body) is not None else kind


def _images(contents: Sequence[Content]) -> Payload:
    files = [one.body for one in contents if not one.typed]
    if not files:
        sent = [_text(one) for one in contents]
        return payload_of_json("image", sent[0] if len(sent) == 1 else sent)
    if len(files) < len(contents):
        raise wrong_data("holds both files and text; send pictures as files")
    return pictures(files, alone=len(files) == 1)


def _texts(contents: Sequence[Content]) -> Payload:
    return texts([_text(one) for one in contents], alone=len(contents) == 1)


def _arrays(contents: Sequence[Content]) -> Payload:
    if len(contents) == 1:
        return npy.array_file(contents[0].body)
    named = {one.filename.rpartition(".")[0]: one.body for one in contents}
    if len(named) < len(contents):
        raise wrong_data("two files have one name; several .npy files are named as the inputs that they are for")
    return npy.array_files(named)


def _bytes(contents: Sequence[Content]) -> Payload:
    """A picture where the version's description takes those, an array's file, else the only input's bytes."""
    body = contents[0].body

    def read(version: Version, prepare: Prepare) -> Given:
        if is_picture(body) and version.description and version.description.image:
            return unrecognised.picture_or_tensor(body, version, prepare)
        if body.startswith(npy.ZIP) and not takes_texts(version):
            return npy.array_file(body)(version, prepare)
        return read_bytes(body, version, prepare)

    return read


def _anything(contents: Sequence[Content]) -> Payload:
    """What nothing is said of: a picture, an array's file, or text as the version takes it: whole, as JSON, as a table.

    Never a tensor's bytes: those need a type, for any file might have their size.
    """
    body = contents[0].body
    text = plain_text(body)
    if text is not None:
        return _untyped_text(text)

    def read(version: Version, prepare: Prepare) -> Given:
        if is_picture(body):
            return pictures([body], alone=True)(version, prepare)
        if body.startswith(npy.ZIP):
            return npy.array_file(body)(version, prepare)
        raise unrecognised.refused(body, version)

    return read


def _untyped_text(text: str) -> Payload:
    def read(version: Version, prepare: Prepare) -> Given:
        if takes_texts(version):
            payload = _text_or_texts(text)
        elif text.lstrip()[:1] in {"[", "{"}:
            payload = payload_of_json("json", loads(text.encode()))
        elif foreign_format(text.encode()) or not takes_tables(version):
            raise unrecognised.refused(text.encode(), version)
        else:
            payload = table_of(text)
        return payload(version, prepare)

    return read


def _text_or_texts(text: str) -> Payload:
    """One text, unless it is a JSON list of strings."""
    if text.lstrip()[:1] == "[":
        try:
            found = loads(text.encode())
        except InvalidArguments:
            found = None
        if are_texts(found):
            return texts(found, alone=False)
    return texts([text], alone=True)


def _text(content: Content) -> str:
    return text_in(content.media_type, content.body)


_READERS: Mapping[str, Callable[[Sequence[Content]], Payload]] = {
    "npy": _arrays,
    "image": _images,
    "text": _texts,
    "csv": lambda contents: table_of(_text(contents[0])),
    "json": lambda contents: payload_of_json("json", loads(contents[0].body)),
    "numpy array": lambda contents: payload_of_json("numpy array", loads(contents[0].body)),
    "bytes": _bytes,
    "anything": _anything,
}
