"""What a call of the platform's own protocol gives, whatever way it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aimass.domain.model import Version
from aimass.inference.dataplane import Media, Value

#: Turns media into inputs by a version's description.
Prepare = Callable[[Version, Media], dict[str, Value]]


@dataclass(frozen=True)
class Given:
    """Inputs, read. `described`: they came as pictures, texts or table rows, so the answer is told in labels too.

    `alone`: one thing, not a list of one, so its answer is no list either.
    """

    inputs: Mapping[str, Value]
    described: bool = False
    alone: bool = False


#: Reads what was sent, once the version is known. Raises InvalidArguments naming what is wrong.
Payload = Callable[[Version, Prepare], Given]


@dataclass(frozen=True)
class Call:
    """A call, its arguments of the right types; `compress` names a variant."""

    model_name: str
    version: int | str | None
    compress: str | None
    payload: Payload
