"""How much of a user's examples is read, and the errors that say where they are wrong."""

from __future__ import annotations

from dataclasses import dataclass

from aimass.domain.errors import InvalidArguments
from aimass.formats.member import shown

SEED = 20_060  # of the sample taken where there are more rows than are used
LABELS = ("labels", "label", "y", "target")


@dataclass(frozen=True)
class Limits:
    """`rows` are used at most, a sample of them where there are more; `encoded` bytes they take as the model's inputs.

    `text` is the length of one line or cell, in characters; `unpacked` the bytes of one member of an archive.
    """

    rows: int = 20_000
    seen: int = 5_000_000
    encoded: int = 1 << 30
    columns: int = 20_000
    text: int = 16 << 20
    held: int = 512 << 20  # bytes of sampled lines, before they are encoded
    members: int = 200_000
    picture: int = 64 << 20


def wrong(file: str, what: str) -> InvalidArguments:
    """The error that names the file of the data, and what is wrong with it."""
    told = f"{shown(file)}: {what}"
    return InvalidArguments(f"the data: {told}", fields={"data": told})


def is_label(name: str) -> bool:
    """Whether a column or array of this name is no input but what the model should answer."""
    return name.lower() in LABELS
