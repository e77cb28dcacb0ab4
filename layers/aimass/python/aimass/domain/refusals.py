"""Which error is meant by a code that came as a document: from a sandbox's child, from a job."""

from __future__ import annotations

from collections.abc import Iterator

from aimass.domain.errors import AimassError, ImportRefused, InvalidArguments, PayloadTooLarge, PredictionFailed


def _kinds(root: type[ImportRefused]) -> Iterator[type[ImportRefused]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


#: Every way in which an import can be refused, by its code.
REFUSALS = {kind.code: kind for kind in _kinds(ImportRefused)}
_OF_EXAMPLES: tuple[type[AimassError], ...] = (InvalidArguments, PayloadTooLarge, PredictionFailed)
#: All that a child may raise and answer: what is wrong with a model, and with examples that become its inputs.
ANSWERED_KINDS: tuple[type[AimassError], ...] = (ImportRefused, *_OF_EXAMPLES)
#: The same by code.
ANSWERED: dict[str, type[AimassError]] = {**REFUSALS, **{kind.code: kind for kind in _OF_EXAMPLES}}
