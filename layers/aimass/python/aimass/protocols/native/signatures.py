"""What a body is by its first bytes: a picture that is taken, one that is not, text."""

from __future__ import annotations

import re

PICTURES = "JPEG, PNG, WebP, GIF, BMP, TIFF"
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_SVG = re.compile(rb"\s*(<\?xml[^>]{0,200}>\s*)?(<!--.{0,200}?-->\s*)?(<!DOCTYPE svg|<svg)", re.DOTALL | re.IGNORECASE)


def is_picture(body: bytes) -> bool:
    """Whether a body begins as JPEG, PNG, GIF, TIFF, WebP or BMP do."""
    riff = body[:4] == b"RIFF" and body[8:12] == b"WEBP"
    return riff or body.startswith(_PICTURES) or (body[:2] == b"BM" and body[6:10] == bytes(4))


def plain_text(body: bytes) -> str | None:
    """UTF-8 without control characters, or None: a tensor's bytes are hardly ever that."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if is_picture(body) or _CONTROLS.search(body) else text


def foreign_format(body: bytes) -> str | None:
    """What people take for a picture and this service does not."""
    if body[4:8] == b"ftyp":
        return "HEIC, AVIF or another file of that family"
    if body.startswith(b"%PDF"):
        return "a PDF"
    if body.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return "JPEG XL"
    return "an SVG" if _SVG.match(body) else None
