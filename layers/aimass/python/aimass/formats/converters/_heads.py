"""Files that are recognised by what they begin with."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from aimass.formats.content import Content


def by_head(heads: Sequence[tuple[str, re.Pattern[bytes]]], size: int) -> Callable[[Content], str | None]:
    """`recognise` of a converter: the name whose pattern the first `size` bytes match."""

    def recognise(content: Content) -> str | None:
        head = content[:size]
        return next((name for name, pattern in heads if pattern.match(head)), None)

    return recognise
