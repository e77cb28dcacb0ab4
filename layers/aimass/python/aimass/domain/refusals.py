"""Which error is meant by a code that came as a document: from a sandbox's child, from a conversion's job."""

from __future__ import annotations

from collections.abc import Iterator

from aimass.domain.errors import ImportRefused


def _kinds(root: type[ImportRefused]) -> Iterator[type[ImportRefused]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


#: Every way in which an import can be refused, by its code.
REFUSALS = {kind.code: kind for kind in _kinds(ImportRefused)}
