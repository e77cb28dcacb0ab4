"""Unreferenced artifacts are deleted once nothing has wanted them for a grace, which docs/adr/0006 explains."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from aimass.domain.clock import later
from aimass.domain.errors import NotFound
from aimass.domain.ports import ArtifactIndex, ArtifactSweeper, ModelRegistry

GRACE_DAYS = 35.0  # an import takes six hours at most: what it wants is never this old
ROUND_HOURS = 24.0  # from the start of one round over all artifacts to the next
logger = logging.getLogger(__name__)


class ResumableSweeper(ArtifactSweeper, Protocol):
    """A sweeper that goes on after the artifact `<tenant>/<sha256>`."""

    def older_than(self, moment: str, after: str = "") -> Iterator[tuple[str, str]]: ...


class SweepProgress(Protocol):
    """When the last round began, and the last artifact that it judged; None once it has ended."""

    def read(self) -> tuple[str, str | None]: ...

    def keep(self, started_at: str, after: str | None) -> None: ...


@dataclass(frozen=True)
class Sweep:
    """What a sweep works on."""

    registry: ModelRegistry
    index: ArtifactIndex
    sweeper: ResumableSweeper
    progress: SweepProgress


def sweep_artifacts(
    at: Sweep, moment: str, has_time: Callable[[], bool], grace_days: float = GRACE_DAYS
) -> Counter[str]:
    """Judges artifacts from where the last run left off, and counts what became of them."""
    counts: Counter[str] = Counter()
    started_at, after = at.progress.read()
    if after is None:
        if started_at and later(started_at, hours=ROUND_HOURS) > moment:
            return counts
        started_at, after = moment, ""
    unwanted_since = later(moment, days=-grace_days)
    for tenant, sha256 in at.sweeper.older_than(unwanted_since, after):
        if not has_time():
            break
        counts[_judged(at, tenant, sha256, unwanted_since)] += 1
        after = f"{tenant}/{sha256}"
    else:
        after = None
    at.progress.keep(started_at, after)
    return counts


def _judged(at: Sweep, tenant: str, sha256: str, unwanted_since: str) -> str:
    try:
        return "artifacts_deleted" if _delete_unwanted(at, tenant, sha256, unwanted_since) else "artifacts_kept"
    except Exception:  # one that cannot be judged stops no other; the next round meets it again
        logger.exception("artifact %s of tenant %s was not swept", sha256, tenant)
        return "artifacts_failed"


def _delete_unwanted(at: Sweep, tenant: str, sha256: str, unwanted_since: str) -> bool:
    references = at.index.references(tenant, sha256)
    if any(_holds(at.registry, tenant, *reference, sha256) for reference in references):
        return False
    # From here on whoever wants the artifact waits. Whoever wanted it since left a touch, and the mark fails.
    if not at.index.mark_deleting(tenant, sha256, unwanted_since):
        return False
    for model, number in references:
        at.index.unrefer(tenant, model, number, [sha256])
    at.sweeper.delete(tenant, sha256)
    at.index.forget(tenant, sha256)
    return True


def _holds(registry: ModelRegistry, tenant: str, model: str, number: int, sha256: str) -> bool:
    """Whether a version that was said to use the artifact does, or will once it is registered."""
    try:
        version = registry.get_version(tenant, model, number)
    except NotFound:
        return False
    return version.state == "importing" or sha256 in version.digests
