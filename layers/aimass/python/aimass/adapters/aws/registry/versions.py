"""Versions: their records, and deletes that can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from aimass.adapters.aws.items import Item, plain_of, value_of
from aimass.adapters.aws.registry.models import Models
from aimass.adapters.aws.registry.table import Filter, version_key
from aimass.adapters.aws.transactions import Write, transact
from aimass.domain.clock import now
from aimass.domain.description import Description
from aimass.domain.errors import (
    CompressionRunning,
    Conflict,
    NotDeleted,
    NotServable,
    VersionHeld,
    VersionNotFound,
    VersionNotReady,
)
from aimass.domain.model import PURGED, Deletion, Due, Variant, Version, VersionSummary
from aimass.domain.ports import Page, PageRequest

_SUMMARY = tuple(VersionSummary.__dataclass_fields__)
_UNHELD = "(attribute_not_exists(held_by) OR size(held_by) = :none)"
_UNCOMPRESSED = "(attribute_not_exists(compressing) OR attribute_type(compressing, :null))"


class Versions(Models):
    """The part of `ModelRegistry` that is about versions."""

    def get_version(self, tenant: str, model: str, number: int) -> Version:
        """Raises VersionNotFound, or ModelNotFound when the model itself is unknown."""
        item = self._get(tenant, version_key(model, number))
        if not item:
            self.get_model(tenant, model)
            raise VersionNotFound(f"model {model!r} has no version {number}", model=model, version=number)
        return value_of(item, Version)

    def list_versions(
        self, tenant: str, model: str, page: PageRequest, *, state: str | None, tag: tuple[str, str] | None
    ) -> Page[VersionSummary]:
        """Newest first, those of a state (None: all that aren't deleted) and with a tag."""
        return self._page(
            tenant,
            f"VER#{model}#",
            VersionSummary,
            page,
            newest_first=True,
            only=_only(state, tag),
            attributes=_SUMMARY,
        )

    def list_all_versions(self, tenant: str, page: PageRequest) -> Page[VersionSummary]:
        """Of every model, deleted models among them, by model and number: all that aren't deleted themselves."""
        return self._page(tenant, "VER#", VersionSummary, page, only=_only(None, None), attributes=_SUMMARY)

    def version_numbers(self, tenant: str, model: str) -> Iterator[int]:
        """Every number that was ever used, lowest first."""
        for item in self._query(tenant, f"VER#{model}#"):
            yield int(item["number"]["N"])

    def latest_version(self, tenant: str, model: str) -> Version:
        """The highest ready version. Raises VersionNotReady where none is, NotServable where one is stored, and
        ModelNotFound.
        """
        stored: int | None = None
        for item in self._query(tenant, f"VER#{model}#", newest_first=True, page=10):
            if item["state"]["S"] == "ready":
                return value_of(item, Version)
            if item["state"]["S"] == "stored" and stored is None:
                stored = int(item["number"]["N"])
        self.get_model(tenant, model)
        if stored is not None:
            raise NotServable.stored(model, stored)
        raise VersionNotReady(f"model {model!r} has no ready version yet", model=model)

    def describe_version(self, tenant: str, before: Version, after: Version) -> None:
        """Changes label, notes and tags of a version that is not importing, and which variant it answers with.

        All of it or nothing. Raises Conflict.
        """
        values: dict[str, Any] = {
            ":label": after.label,
            ":notes": after.notes,
            ":tags": after.tags,
            ":state": before.state,
        }
        served, unmoved, epoch = "", "#state = :state", list[Write]()
        if after.serving_variant != before.serving_variant:
            served, unmoved = ", serving_variant = :serving", f"{unmoved} AND variants = :before"
            values |= {":serving": after.serving_variant, ":before": self._variants_as_stored(tenant, before)}
            epoch = [self._next_epoch(tenant, before.model)]
        transact(
            self._client,
            self._update(
                tenant,
                version_key(before.model, before.number),
                f"SET #label = :label, notes = :notes, tags = :tags{served}",
                unmoved,
                values,
                {"#label": "label"},
            ).otherwise(_moved(before)),
            *epoch,
        )

    def set_description(self, tenant: str, version: Version, description: Description | None) -> None:
        """Replaces a ready version's model description; whoever serves it sees that soon. Raises Conflict."""
        transact(
            self._client,
            self._update(
                tenant,
                version_key(version.model, version.number),
                "SET description = :description",
                "#state = :ready",
                {":description": description, ":ready": "ready"},
            ).otherwise(_moved(version)),
            self._next_epoch(tenant, version.model),
        )

    def delete_version(self, tenant: str, version: Version, deletion: Deletion) -> None:
        """Hides the version until it is restored or purged.

        Raises VersionHeld naming aliases, CompressionRunning, Conflict.
        """
        due = Due(deletion.purge_at, "version", tenant, version_key(version.model, version.number))
        values = {":deleted": "deleted", ":deletion": deletion, ":was": deletion.was, ":none": 0, ":null": "NULL"}
        transact(
            self._client,
            self._update(
                tenant,
                version_key(version.model, version.number),
                "SET #state = :deleted, deleted = :deletion",
                f"#state = :was AND {_UNHELD} AND {_UNCOMPRESSED}",
                values,
            ).otherwise(held(version)),
            self._next_epoch(tenant, version.model),
            self._due(due),
        )

    def restore_version(self, tenant: str, version: Version) -> None:
        """Brings a deleted version back. Raises NotDeleted."""
        assert version.deleted
        values = {":was": version.deleted.was, ":deleted": "deleted", ":nothing": None, ":purged": PURGED}
        transact(
            self._client,
            self._update(
                tenant,
                version_key(version.model, version.number),
                "SET #state = :was, deleted = :nothing",
                "#state = :deleted AND deleted.was <> :purged",
                values,
            ).otherwise(not_deleted(version)),
            self._next_epoch(tenant, version.model),
        )

    def purge_version(self, tenant: str, version: Version) -> None:
        """Leaves a stub that keeps the number used. Raises NotDeleted."""
        assert version.deleted
        moment = now()
        stub = Version(
            version.model,
            version.number,
            "deleted",
            version.job_id,
            version.created_at,
            version.filename,
            deleted=Deletion(version.deleted.at, moment, PURGED),
        )
        freed = version.stored_bytes if version.deleted.was in {"ready", "stored"} else 0
        transact(
            self._client,
            self._put_version(
                tenant,
                stub,
                "#state = :deleted AND deleted.was = :was",
                {":deleted": "deleted", ":was": version.deleted.was},
            ).otherwise(not_deleted(version)),
            self._next_epoch(tenant, version.model),
            self._using(tenant, bytes=-freed),
        )

    def _put_version(self, tenant: str, version: Version, condition: str, values: dict[str, Any]) -> Write:
        write = self._put(tenant, version_key(version.model, version.number), version, condition, values)
        return replace(write, body={"Item": _with_summary(write.body["Item"], version)})

    def _variants_as_stored(self, tenant: str, version: Version) -> list[Any]:
        """What a condition finds unchanged, field by field: whoever wrote it may not have known of fields of today.

        Raises Conflict where they are not those of the version that was read.
        """
        stored = (self._get(tenant, version_key(version.model, version.number)) or {}).get("variants", {"L": []})
        plain: list[Any] = plain_of(stored)
        if msgspec.convert(plain, tuple[Variant, ...]) != version.variants:
            raise _moved(version)
        return plain

    def _next_epoch(self, tenant: str, model: str) -> Write:
        return self._update(tenant, f"MODEL#{model}", "ADD epoch :one", "attribute_exists(SK)", {":one": 1})


def held(version: Version) -> Conflict:
    """Why a version cannot be deleted: a job or aliases hold it, or it moved on meanwhile."""
    if version.compressing:
        return CompressionRunning.by(version.compressing, version.model, version.number)
    if not version.held_by:
        return _moved(version)
    names = ", ".join(sorted(version.held_by))
    return VersionHeld(
        f"version {version.number} of {version.model!r} is what {names} points at; move or remove the alias first",
        aliases=sorted(version.held_by),
    )


def not_deleted(version: Version) -> NotDeleted:
    return NotDeleted(
        f"version {version.number} of {version.model!r} is not deleted, or is purged already", version=version.number
    )


def _moved(version: Version) -> Conflict:
    return Conflict(
        f"version {version.number} of {version.model!r} changed meanwhile; read it and try again",
        version=version.number,
    )


def _with_summary(item: Item, version: Version) -> Item:
    """Adds what lists show. A set that is empty is no attribute at all."""
    if version.held_by:
        item["held_by"] = {"SS": sorted(version.held_by)}
    else:
        del item["held_by"]
    if version.kept:
        return item | {"size": {"N": str(version.kept.size)}}
    if not version.variants:
        return item
    names = [{"S": variant.name} for variant in version.variants]
    return item | {"size": {"N": str(version.variants[0].files.size)}, "variant_names": {"L": names}}


def _only(state: str | None, tag: tuple[str, str] | None) -> Filter:
    conditions, values, names = ["#state = :state"], {":state": state or "deleted"}, {"#state": "state"}
    if state is None:
        conditions = ["#state <> :state"]
    if state == "deleted":
        conditions.append("deleted.was <> :purged")
        values[":purged"] = PURGED
    if tag:
        conditions.append("tags.#tag = :tag")
        values[":tag"] = tag[1]
        names["#tag"] = tag[0]
    return Filter(" AND ".join(conditions), values, names)
