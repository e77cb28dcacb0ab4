"""Calls that another tier answers: its answer goes out as it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pybase64

from aimass.domain.errors import PredictionOutOfMemory
from aimass.protocols.http import HttpResponse
from aimass.protocols.status import STATUS


class OtherTiers(Protocol):
    """The tiers that this one may forward the call to."""

    @property
    def largest(self) -> str | None: ...

    def ask(self, tier: str) -> Mapping[str, Any]: ...


OpenOtherTiers = Callable[[], OtherTiers]


class _None:
    @property
    def largest(self) -> str | None:
        return None

    def ask(self, tier: str) -> Mapping[str, Any]:
        raise LookupError(tier)


#: For a tier that forwards nothing.
NO_OTHER_TIERS: OpenOtherTiers = _None


def forward(tier: str, tiers: OtherTiers) -> HttpResponse:
    """The tier's answer; the largest's where that one ran out of memory. Raises what the tiers raise."""
    if tiers.largest in {None, tier}:
        return _asked(tier, tiers)
    try:
        response = _asked(tier, tiers)
        if response.status != STATUS[PredictionOutOfMemory.code]:
            return response
    except PredictionOutOfMemory:
        pass
    return forward(tiers.largest or tier, tiers)


def _asked(tier: str, tiers: OtherTiers) -> HttpResponse:
    answer = tiers.ask(tier)
    body = answer["body"]
    plain = pybase64.b64decode(body, validate=True) if answer["isBase64Encoded"] else body.encode()
    return HttpResponse(answer["statusCode"], plain, answer["headers"], {"forwarded": tier})
