"""Which version a call means: by number, by alias, or the default: `prod` if set, else the latest ready one."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeVar

from aimass.domain.errors import AliasNotFound, ModelNotFound, NotServable, VersionNotFound, VersionNotReady
from aimass.domain.model import Version
from aimass.domain.names import MAX_NUMBER, MODEL_NAME
from aimass.domain.ports import VersionReader

DEFAULT_ALIAS = "prod"
VERSION_SECONDS = 300.0  # what changes a ready version, a delete or a new description, changes its model's epoch
NAME_SECONDS = 2.0  # an alias's move, and a deletion, is seen within 5 s
_MOST_ENTRIES = 1000

_MOST_BYTES = 64 << 20  # of versions
_RECORD_BYTES, _TEXT_BYTES = 20_000, 100  # a version without what follows; a short text as an object, and its place
_PART_BYTES = 1000  # a tensor, a file or a column with its names
_OBJECTS = 8  # times its text: nested names and numbers

V = TypeVar("V")


class _Known(NamedTuple):
    """A version as it was read at an epoch of its model; `weight` is roughly the memory that it takes, in bytes."""

    version: Version
    epoch: int
    until: float
    weight: int


class VersionFinder:
    """Finds versions, and remembers them for as long as they can be trusted."""

    def __init__(self, versions: VersionReader, clock: Callable[[], float]) -> None:
        self._versions = versions
        self._clock = clock
        self._epochs: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()
        self._known_bytes = 0
        self._numbers: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def find(self, tenant: str, model: str, ref: int | str | None) -> Version:
        """The ready version that `ref` means: a number, a text of digits, an alias's name, or None for the default.

        Raises ModelNotFound, VersionNotFound, AliasNotFound, VersionNotReady, NotServable.
        """
        if not re.fullmatch(MODEL_NAME, model):
            raise ModelNotFound(f"no model {model[:80]!r}", model=model[:80])
        number = _explicit(model, ref)
        epoch = self._epoch(tenant, model)
        if number is None:
            number = self._named(tenant, model, None if ref is None else str(ref), epoch)
        version = self._version(tenant, model, number, epoch)
        if version.state == "deleted":
            raise _deleted(version)
        if version.state == "stored":
            raise NotServable.stored(model, number)
        if version.state != "ready":
            raise _not_ready(version)
        return version

    def _epoch(self, tenant: str, model: str) -> int:
        key = (tenant, model)
        return self._remember(self._epochs, key, NAME_SECONDS, lambda: self._versions.model_epoch(tenant, model))

    def _named(self, tenant: str, model: str, ref: str | None, epoch: int) -> int:
        key = (tenant, model, ref, epoch)
        return self._remember(self._numbers, key, NAME_SECONDS, lambda: self._look_up(tenant, model, ref))

    def _look_up(self, tenant: str, model: str, ref: str | None) -> int:
        if ref is None:
            return self._default(tenant, model)
        if not re.fullmatch(MODEL_NAME, ref):
            raise AliasNotFound(f"model {model!r} has no alias {ref[:80]!r}", model=model, alias=ref[:80])
        return self._target(tenant, model, ref)

    def _default(self, tenant: str, model: str) -> int:
        try:
            return self._target(tenant, model, DEFAULT_ALIAS)
        except AliasNotFound:
            return self._versions.latest_version(tenant, model).number

    def _target(self, tenant: str, model: str, alias: str) -> int:
        version = self._versions.get_alias(tenant, model, alias).version
        if version is None:
            raise AliasNotFound(f"model {model!r} has no alias {alias!r}", model=model, alias=alias)
        return version

    def _version(self, tenant: str, model: str, number: int, epoch: int) -> Version:
        key = (tenant, model, number)
        now = self._clock()
        found = self._known.get(key)
        if found and found.epoch == epoch and now < found.until:
            return found.version
        version = self._versions.get_version(tenant, model, number)
        self._forget(key)
        if version.state == "ready":
            self._keep(key, _Known(version, epoch, now + VERSION_SECONDS, _weight(version)))
        return version

    def _keep(self, key: Hashable, known: _Known) -> None:
        self._known[key] = known
        self._known_bytes += known.weight
        while len(self._known) > _MOST_ENTRIES or (self._known_bytes > _MOST_BYTES and len(self._known) > 1):
            self._forget(next(iter(self._known)))

    def _forget(self, key: Hashable) -> None:
        if gone := self._known.pop(key, None):
            self._known_bytes -= gone.weight

    def _remember(
        self, entries: OrderedDict[Hashable, tuple[float, V]], key: Hashable, seconds: float, read: Callable[[], V]
    ) -> V:
        now = self._clock()
        found = entries.get(key)
        if found and now < found[0]:
            return found[1]
        value = read()
        entries[key] = (now + seconds, value)
        entries.move_to_end(key)
        if len(entries) > _MOST_ENTRIES:
            entries.popitem(last=False)
        return value


def _weight(version: Version) -> int:
    """What grows with what a tenant writes: labels, table columns and their values, tensors, files, variants, notes."""
    description = version.description
    columns = description.table.columns if description and description.table else ()
    texts = [
        *version.labels,
        *(description.labels if description else ()),
        *(name for one in columns for name in one.values),
    ]
    parts = len(version.inputs) + len(version.outputs) + len(version.stored_files) + len(columns)
    configs = sum(len(str(variant.config)) for variant in version.variants)
    written = len(version.notes or "") + sum(map(len, texts)) * 2 + configs * _OBJECTS
    return _RECORD_BYTES + written + len(texts) * _TEXT_BYTES + parts * _PART_BYTES


def _explicit(model: str, ref: int | str | None) -> int | None:
    if isinstance(ref, int):
        return _checked(model, ref)
    return _checked(model, int(ref[:20])) if ref and ref.isascii() and ref.isdigit() else None


def _checked(model: str, number: int) -> int:
    if not 1 <= number <= MAX_NUMBER:
        raise VersionNotFound(f"model {model!r} has no version {number}", model=model, version=number)
    return number


def _deleted(version: Version) -> VersionNotFound:
    until = f" until {version.deleted.purge_at}" if version.deleted else ""
    return VersionNotFound(
        f"version {version.number} of {version.model!r} was deleted; it can be restored{until}",
        model=version.model,
        version=version.number,
        state=version.state,
    )


def _not_ready(version: Version) -> VersionNotReady:
    why = f": {version.failure.message}" if version.failure else ""
    return VersionNotReady(
        f"version {version.number} of {version.model!r} is {version.state}{why}",
        model=version.model,
        version=version.number,
        state=version.state,
    )
