"""Versions: read, described, deleted, restored, purged."""

from __future__ import annotations

from dataclasses import replace

from aimass.domain.clock import later, now
from aimass.domain.errors import CompressionRunning, NotDeleted, VersionNotReady
from aimass.domain.model import Deletion, Version, VersionSummary
from aimass.domain.names import check_tags, check_texts
from aimass.domain.ports import ArtifactIndex, ModelRegistry, Page, PageRequest
from aimass.usecases.models import RESTORE_DAYS


def get_version(registry: ModelRegistry, tenant: str, model: str, number: int) -> Version:
    """The record in whatever state. Raises ModelNotFound, VersionNotFound."""
    registry.get_model(tenant, model)
    return registry.get_version(tenant, model, number)


def list_versions(
    registry: ModelRegistry,
    tenant: str,
    model: str,
    page: PageRequest,
    *,
    state: str | None,
    tag: tuple[str, str] | None,
) -> Page[VersionSummary]:
    """Newest first. Raises ModelNotFound."""
    registry.get_model(tenant, model)
    return registry.list_versions(tenant, model, page, state=state, tag=tag)


def described(before: Version, changes: dict[str, object]) -> Version:
    """The version with what is given of `label`, `notes` and `tags`. Raises VersionNotReady, InvalidArguments."""
    if before.state not in {"ready", "stored", "failed"}:
        raise _unfit(before, "described")
    after = replace(before, **changes)  # type: ignore[arg-type]
    check_texts(after.label, ())
    check_tags(after.tags)
    return after


def delete_version(registry: ModelRegistry, tenant: str, model: str, number: int) -> None:
    """Hides the version; saying it twice is fine.

    Raises VersionHeld naming its aliases, CompressionRunning naming its job, VersionNotReady.
    """
    version = get_version(registry, tenant, model, number)
    if version.state == "deleted":
        return
    if version.state == "importing":
        raise _unfit(version, "deleted; cancel its job first")
    _require_uncompressed(version)
    moment = now()
    deletion = Deletion(moment, later(moment, days=RESTORE_DAYS), version.state)
    registry.delete_version(tenant, version, deletion)


def restore_version(registry: ModelRegistry, tenant: str, model: str, number: int) -> Version:
    """Brings a deleted version back. Raises NotDeleted."""
    version = get_version(registry, tenant, model, number)
    _require_deleted(version)
    registry.restore_version(tenant, version)
    return registry.get_version(tenant, model, number)


def purge_version(registry: ModelRegistry, index: ArtifactIndex, tenant: str, model: str, number: int) -> None:
    """Ends a deleted version for good: its number stays used, its artifacts are free to be swept.

    Raises NotDeleted, CompressionRunning.
    """
    version = get_version(registry, tenant, model, number)
    _require_deleted(version)
    _require_uncompressed(version)
    registry.purge_version(tenant, version)
    index.unrefer(tenant, model, number, version.digests)


def _require_deleted(version: Version) -> None:
    if version.deleted is None or version.deleted.is_purged:
        state = "purged" if version.deleted else version.state
        raise NotDeleted(f"version {version.number} of {version.model!r} is {state}, not deleted", state=state)


def _require_uncompressed(version: Version) -> None:
    if version.compressing:
        raise CompressionRunning.by(version.compressing, version.model, version.number)


def _unfit(version: Version, what: str) -> VersionNotReady:
    return VersionNotReady(
        f"version {version.number} of {version.model!r} is {version.state} and can't be {what}",
        version=version.number,
        state=version.state,
    )
