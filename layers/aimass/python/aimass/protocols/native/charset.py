"""Bytes as text, in the charset that a media type names."""

from __future__ import annotations

import codecs
import re

from aimass.domain.errors import InvalidArguments

_NAMED = re.compile(r"""charset=["']?([\w.:-]{1,40})""", re.IGNORECASE)
_CHARSETS = (  # not whatever Python knows: some of its codecs take time by the square of a text's length
    *("utf-8", "utf-16", "utf-16le", "utf-16be", "utf-32", "us-ascii", "koi8-r", "shift_jis", "euc-jp", "euc-kr"),
    *("gb2312", "gbk", "gb18030", "big5", *(f"windows-{page}" for page in range(1250, 1259))),
    *(f"iso-8859-{part}" for part in range(1, 17) if part != 12),
)
_CODECS = {codecs.lookup(name).name for name in _CHARSETS}


def text_in(media_type: str, body: bytes) -> str:
    """UTF-8 where no charset is named. Raises InvalidArguments."""
    named = _NAMED.search(media_type)
    charset = named[1].lower() if named else "utf-8"
    if not _is_taken(charset):
        told = f"charset {charset!r} is not taken; there are: {', '.join(_CHARSETS)}"
        raise InvalidArguments.of_fields({"content-type": told})
    try:
        return body.decode(charset)
    except UnicodeDecodeError as error:
        told = f"is no text in {charset}: {error.reason} at byte {error.start}"
        raise InvalidArguments.of_fields({"data": told}) from error


def _is_taken(charset: str) -> bool:
    """Under whatever name: latin-1, cp1252 and utf8 are ISO-8859-1, windows-1252 and UTF-8."""
    try:
        return codecs.lookup(charset).name in _CODECS
    except LookupError:
        return False
