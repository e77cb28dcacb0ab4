"""Which memory tier of `predict` answers a version: by what the version was measured to need."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from aimass.domain.model import Variant

MIB = 1024 * 1024
KEPT_MB = 384  # the process itself takes some 150 MB, one request with its answer the rest
_SPARE = 1.25  # measured with one thread and the sample's rows: calls have more of both
_ASSET_MIB = 64  # no tokenizer's file is larger
_SMALL, _SMALL_DISK_MB, _DISK_MB = "small", 512, 10_240  # SnapStart allows no more than 512


class PlacedElsewhere(Exception):
    """No error: another tier answers this call."""

    def __init__(self, tier: str) -> None:
        super().__init__(tier)
        self.tier = tier


@dataclass(frozen=True)
class Tier:
    """One size of `predict`: its memory and its disk."""

    name: str
    memory_mb: int
    disk_mb: int

    @property
    def model_bytes(self) -> int:
        """The memory that is left for models and their runs."""
        return max(0, self.memory_mb - KEPT_MB) * MIB

    @property
    def folder_bytes(self) -> int:
        """The disk that models' files may take: four fifths, for /tmp has other uses too."""
        return self.disk_mb * 4 // 5 * MIB


def tiers_of(memory_mb: Mapping[str, int]) -> tuple[Tier, ...]:
    """The tiers of a deployment, smallest first, from the memory of each."""
    tiers = (Tier(name, size, _SMALL_DISK_MB if name == _SMALL else _DISK_MB) for name, size in memory_mb.items())
    return tuple(sorted(tiers, key=lambda tier: tier.memory_mb))


def place(need_bytes: int, disk_bytes: int, tiers: Sequence[Tier]) -> Tier:
    """The smallest tier with room for a model's measured memory, and some to spare, and for its files.

    `tiers` come smallest first. What fits none goes to the last: its import was held to the limits there.
    """
    for tier in tiers:
        if need_bytes * _SPARE <= tier.model_bytes and disk_bytes <= tier.folder_bytes:
            return tier
    return tiers[-1]


@dataclass(frozen=True)
class Placement:
    """The tiers as one of them, `here`, sees them: all, and those that it may forward to."""

    here: str
    tiers: tuple[Tier, ...]
    reachable: Collection[str] = ()

    def elsewhere(self, variant: Variant, asset_memory: int = 0) -> str | None:
        """The tier to forward a variant's call to, None if it is answered here.

        `asset_memory` is what a tokenizer takes open, in bytes: its file is no larger.
        """
        need = variant.measurements.memory_bytes + asset_memory
        disk = _disk_bytes(variant) + min(asset_memory, _ASSET_MIB * MIB)
        tier = place(need, disk, self.tiers).name
        return tier if tier != self.here and tier in self.reachable else None

    @property
    def tier(self) -> Tier:
        """This tier."""
        return next(tier for tier in self.tiers if tier.name == self.here)

    @property
    def largest(self) -> str | None:
        """The largest tier that can be forwarded to."""
        return next((tier.name for tier in reversed(self.tiers) if tier.name in self.reachable), None)


def _disk_bytes(variant: Variant) -> int:
    """Which graph is fetched, the runtime says that opens it."""
    return max(variant.files.room, variant.optimized.room if variant.optimized else 0)
