"""The one data plane behind every protocol, as its callers and its runtime see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aimass.domain.model import ModelFiles, TensorSpec, Variant, Version

#: A tensor is a numpy array of its datatype (strings: an object array of str, of bytes where they are not UTF-8);
#: a sequence is a list, a map a dict, an absent optional None.
Value = Any


@dataclass(frozen=True)
class Prediction:
    """What a version answered: its outputs in the model's order, or in the order asked for."""

    version: Version
    variant: Variant
    outputs: tuple[tuple[TensorSpec, Value], ...]


class DataPlane(Protocol):
    """What a protocol needs to answer a call."""

    def find_version(self, tenant: str, model: str, ref: int | str | None) -> Version: ...

    def predict(
        self, tenant: str, version: Version, inputs: Mapping[str, Value], outputs: Sequence[str] | None = None
    ) -> Prediction: ...


class Session(Protocol):
    """A model, open in a runtime."""

    def run(self, inputs: Mapping[str, Value], outputs: Sequence[str], seconds: float) -> list[Value]: ...


class Runtime(Protocol):
    """Opens models that lie in a folder."""

    def files_of(self, variant: Variant) -> ModelFiles: ...

    def open(self, main: Path) -> Session: ...
