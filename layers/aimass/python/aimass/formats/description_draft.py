"""A description while it is made: what is wrong with it, and what was filled in from the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from aimass.domain.model import TensorSpec
from aimass.formats.description_yaml import Path
from aimass.formats.member import shown
from aimass.formats.seen import Seen

Value = TypeVar("Value")
_NAMED = 8


@dataclass
class Draft:
    """Problems by path, and the parts that nobody wrote."""

    seen: Seen
    problems: dict[Path, str] = field(default_factory=dict)
    inferred: list[str] = field(default_factory=list)

    def wrong(self, path: Path, problem: str) -> None:
        """Notes the first problem of each path."""
        self.problems.setdefault(path, problem)

    def fill(self, path: Path, value: Value) -> Value:
        """Notes that the value was taken from the model."""
        self.inferred.append(".".join(map(str, path)))
        return value

    def spec(self, path: Path, name: str | None, fitting: Sequence[TensorSpec], kind: str) -> TensorSpec | None:
        """The input of that name, or the only fitting one. `kind` says what fits: `an input of 4 dimensions`."""
        if name is None:
            if len(fitting) == 1:
                return self.fill(path, fitting[0])
            count = "none of" if not fitting else f"{len(fitting)} of"
            self.wrong(path, f"is missing: {count} the model's inputs {tensors(self.seen.inputs)} fit, {kind}")
            return None
        return self.named(path, name, self.seen.inputs, "input")

    def named(self, path: Path, name: str, specs: Sequence[TensorSpec], noun: str) -> TensorSpec | None:
        """The input or output of that name."""
        found = next((spec for spec in specs if spec.name == name), None)
        if found is None:
            self.wrong(path, f"names no {noun} of the model: {quoted(name)}; there are {tensors(specs)}")
        return found

    def covers(self, path: Path, given: Sequence[str], what: str) -> None:
        """A call gives every input or none: what is described must make all of them."""
        rest = [spec for spec in self.seen.inputs if spec.name not in given]
        if rest:
            self.wrong(path, f"leaves out {tensors(rest)}, which the model wants too and {what} does not give")


def tensors(specs: Sequence[TensorSpec]) -> str:
    """Names, datatypes and shapes, as a message can carry them."""
    told = [f"{quoted(spec.name)} {spec.datatype} {list(spec.shape)}" for spec in specs[:_NAMED]]
    return ", ".join(told) + (f" and {len(specs) - _NAMED} more" if len(specs) > _NAMED else "") or "none"


def quoted(name: str) -> str:
    """A name as a message can carry it."""
    return f"'{shown(name)}'"
