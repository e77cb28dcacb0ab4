"""Aliases: moved, rolled back, removed, and asked about the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from aimass.domain.clock import later, now, written
from aimass.domain.errors import (
    AliasNotFound,
    InvalidArguments,
    NothingToRollBack,
    NotServable,
    RevisionChanged,
    VersionNotFound,
)
from aimass.domain.model import Alias, AliasMove
from aimass.domain.names import check_alias
from aimass.domain.ports import ModelRegistry, Page, PageRequest

_FARTHEST = 1000  # moves that a rollback looks back


def move_alias(
    registry: ModelRegistry, tenant: str, model: str, name: str, version: int, revision: int | None = None
) -> Alias:
    """Points the alias at a ready version; `revision`, if given, is the one it must be at (0: it must point nowhere).

    Raises InvalidArguments, RevisionChanged, VersionNotFound, VersionNotReady, NotServable.
    """
    check_alias(name)
    registry.get_model(tenant, model)
    if registry.get_version(tenant, model, version).state == "stored":
        raise NotServable.stored(model, version)
    before = registry.find_alias(tenant, model, name)
    _require_revision(name, before, revision)
    if before and before.version == version:
        return before
    return registry.move_alias(tenant, before, _move(before, model, name, version))


def remove_alias(registry: ModelRegistry, tenant: str, model: str, name: str, revision: int | None = None) -> None:
    """Points the alias nowhere; its history stays. Raises AliasNotFound, RevisionChanged."""
    registry.get_model(tenant, model)
    before = registry.get_alias(tenant, model, name)
    _require_revision(name, before, revision)
    registry.move_alias(tenant, before, _move(before, model, name, None))


def roll_back(
    registry: ModelRegistry,
    tenant: str,
    model: str,
    name: str,
    revision: int | None = None,
    to_revision: int | None = None,
) -> Alias:
    """Points the alias at what it pointed at before, or did at `to_revision`; once more, and it goes further back.

    Versions that are no longer ready are passed over. Raises NothingToRollBack, RevisionChanged, AliasNotFound.
    """
    registry.get_model(tenant, model)
    before = registry.get_alias(tenant, model, name)
    _require_revision(name, before, revision)
    moves = _history(registry, tenant, model, name)
    present = next(moves)
    since = to_revision + 1 if to_revision else present.restores or present.revision
    for move in moves:
        wanted = move.revision == to_revision if to_revision else move.version != before.version
        if move.revision < since and wanted and _is_ready(registry, tenant, move):
            return registry.move_alias(tenant, before, _move(before, model, name, move.version, move.revision))
    asked = f"revision {to_revision}" if to_revision else "an earlier one"
    raise NothingToRollBack(
        f"alias {name!r} of {model!r} has no ready version at {asked}", alias=name, revision=before.revision
    )


def alias_at(registry: ModelRegistry, tenant: str, model: str, name: str, moment: str) -> Alias:
    """The alias as it was at the moment (ISO 8601; UTC unless it says otherwise). Raises AliasNotFound."""
    registry.get_model(tenant, model)
    move = registry.alias_at(tenant, model, name, _moment(moment))
    if move is None or move.version is None:
        raise AliasNotFound(f"alias {name!r} of {model!r} pointed nowhere at {moment}", alias=name, model=model)
    return Alias(model, name, move.version, move.revision, move.moved_at)


def history(registry: ModelRegistry, tenant: str, model: str, name: str, page: PageRequest) -> Page[AliasMove]:
    """All moves, newest first. Raises AliasNotFound for one that never was."""
    registry.get_model(tenant, model)
    if registry.find_alias(tenant, model, name) is None:
        raise AliasNotFound(f"model {model!r} never had an alias {name[:64]!r}", model=model, alias=name[:64])
    return registry.alias_history(tenant, model, name, page)


def _move(before: Alias | None, model: str, name: str, version: int | None, restores: int | None = None) -> AliasMove:
    # Moves of one alias never share a moment, and never go back in time, whatever the clocks say.
    moment = max(now(), later(before.updated_at, milliseconds=1)) if before else now()
    return AliasMove(model, name, version, before.revision + 1 if before else 1, moment, restores)


def _require_revision(name: str, before: Alias | None, revision: int | None) -> None:
    present = before.revision if before else 0
    free = before is None or before.version is None
    if revision is not None and revision != present and not (revision == 0 and free):
        raise RevisionChanged(
            f"alias {name!r} is at revision {present}, not {revision}; read it and decide again",
            alias=name,
            revision=present,
            version=before.version if before else None,
        )


def _history(registry: ModelRegistry, tenant: str, model: str, name: str) -> Iterator[AliasMove]:
    page = registry.alias_history(tenant, model, name, PageRequest(100))
    for _ in range(_FARTHEST // 100):
        yield from page.items
        if page.next_token is None:
            return
        page = registry.alias_history(tenant, model, name, PageRequest(100, page.next_token))


def _is_ready(registry: ModelRegistry, tenant: str, move: AliasMove) -> bool:
    if move.version is None:
        return False
    try:
        return registry.get_version(tenant, move.model, move.version).state == "ready"
    except VersionNotFound:
        return False


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        return written(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise InvalidArguments.of_fields(
            {"at": f"write ISO 8601, such as 2026-01-31T12:00:00Z; got {text[:40]!r}"}
        ) from error
