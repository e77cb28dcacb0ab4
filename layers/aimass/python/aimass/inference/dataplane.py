"""The one data plane behind every protocol, as its callers and its runtime see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aimass.domain.files import ModelFiles
from aimass.domain.model import TensorSpec, Variant, Version, VersionSummary
from aimass.inference.statistics import ModelStatistics

#: A tensor is a numpy array of its datatype (strings: an object array of str, of bytes where they are not UTF-8);
#: a sequence is a list, a map a dict, an absent optional None.
Value = Any


@dataclass(frozen=True)
class Pictures:
    """Image files, as they were sent: one row each."""

    files: tuple[bytes, ...]


@dataclass(frozen=True)
class Texts:
    """One row each."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """Rows of a table: cells by the names of their columns, as JSON values, or as text where they came as CSV."""

    rows: tuple[Mapping[str, Any], ...]


#: What only a version's description can turn into tensors.
Media = Pictures | Texts | Rows


@dataclass(frozen=True)
class Asked:
    """A call, decoded: what to run. No `outputs` are all of them; no `variant` is the version's serving one."""

    version: Version
    inputs: Mapping[str, Value]
    outputs: Sequence[str] = ()
    variant: str | None = None


@dataclass(frozen=True)
class Timing:
    """Seconds that a prediction took: opening the model where it was not open, and running it."""

    load: float = 0.0
    run: float = 0.0


@dataclass(frozen=True)
class Prediction:
    """What a version answered: its outputs in the model's order, or in the order asked for."""

    version: Version
    variant: Variant
    outputs: tuple[tuple[TensorSpec, Value], ...]
    timing: Timing = Timing()


#: Tenant, model and reference, a version's number, an alias's name or None for the default, to the ready version.
FindVersion = Callable[[str, str, int | str | None], Version]


class DataPlane(Protocol):
    """What a protocol needs to answer a call."""

    def find_version(self, tenant: str, model: str, ref: int | str | None) -> Version: ...

    def versions_of(self, tenant: str, model: str) -> Sequence[VersionSummary]: ...

    def repository(self, tenant: str) -> Sequence[VersionSummary]: ...

    def statistics(self, tenant: str, version: Version) -> ModelStatistics: ...

    def all_statistics(self, tenant: str) -> Mapping[tuple[str, int], ModelStatistics]: ...

    def prepare(self, tenant: str, version: Version, media: Media, variant: str | None = None) -> dict[str, Value]: ...

    def predict(self, tenant: str, asked: Asked) -> Prediction: ...


class Session(Protocol):
    """A model, open in a runtime."""

    def run(self, inputs: Mapping[str, Value], outputs: Sequence[str], seconds: float) -> list[Value]: ...


class Runtime(Protocol):
    """Opens models that lie in a folder."""

    def files_of(self, variant: Variant) -> ModelFiles: ...

    def open(self, main: Path) -> Session: ...
