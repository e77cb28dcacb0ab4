"""Files and raw bodies: what they are, by the format asked for, the name, the media type, or by their first bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import Version
from aimass.inference.jsontext import loads
from aimass.protocols.native import npy
from aimass.protocols.native.given import Given, Payload, Prepare
from aimass.protocols.native.payloads import payload_of_json, pictures, takes_strings, texts, wrong_data
from aimass.protocols.native.table import table_of, takes_csv
from aimass.protocols.openinference.request import parse_request, read_inputs

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
_ENDINGS = {".npy": "npy", ".npz": "npy", ".csv": "csv", ".txt": "text", ".json": "json"}
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
_CHARSET = re.compile(r"""charset=["']?([\w.:-]{1,40})""", re.IGNORECASE)
_CHARSETS = {  # not whatever Python knows: some of its codecs take time by the square of a text's length
    *("utf-8", "utf-16", "utf-16le", "utf-16be", "utf-32", "us-ascii", "koi8-r", "shift_jis", "euc-jp", "euc-kr"),
    *("gb2312", "gbk", "gb18030", "big5", *(f"windows-{page}" for page in range(1250, 1259))),
    *(f"iso-8859-{part}" for part in range(1, 17) if part != 12),
}
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


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


def is_picture(body: bytes) -> bool:
    """Whether a body begins as JPEG, PNG, GIF, TIFF, WebP or BMP do."""
    riff = body[:4] == b"RIFF" and body[8:12] == b"WEBP"
    return riff or body.startswith(_PICTURES) or (body[:2] == b"BM" and body[6:10] == bytes(4))


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
    return "text" if kind == "anything" and _plain_text(content.body) is not None else kind


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
            return picture(version, prepare)
        if body.startswith(npy.ZIP) and not takes_strings(version):
            return npy.array_file(body)(version, prepare)
        try:
            return Given(read_inputs(version.inputs, parse_request(body, header_length="0")))
        except InvalidArguments:
            if is_picture(body):
                return picture(version, prepare)  # refused: told what the version takes
            raise

    picture = pictures([body], alone=True)
    return read


def _anything(contents: Sequence[Content]) -> Payload:
    """What nothing is said of: bytes as above, or text as the version takes it: whole, as JSON, as a table."""
    text = _plain_text(contents[0].body)
    if text is None:
        return _bytes(contents)

    def read(version: Version, prepare: Prepare) -> Given:
        if takes_strings(version) or (version.description and version.description.text):
            payload = texts([text], alone=True)
        elif text.lstrip()[:1] in {"[", "{"}:
            payload = payload_of_json("json", loads(text.encode()))
        elif takes_csv(version) or (version.description and version.description.table):
            payload = table_of(text)
        else:
            payload = _bytes(contents)
        return payload(version, prepare)

    return read


def _plain_text(body: bytes) -> str | None:
    """UTF-8 without control characters, or None: a tensor's bytes are hardly ever that."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if is_picture(body) or _CONTROLS.search(body) else text


def _text(content: Content) -> str:
    """The text in the charset that its media type names, else UTF-8. Raises InvalidArguments."""
    named = _CHARSET.search(content.media_type)
    charset = named[1].lower() if named else "utf-8"
    if charset not in _CHARSETS:
        raise InvalidArguments.of_fields({"content-type": f"charset {charset!r} is not taken; send UTF-8"})
    try:
        return content.body.decode(charset)
    except UnicodeDecodeError as error:
        raise wrong_data(f"is no text in {charset}: {error.reason} at byte {error.start}") from error


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
