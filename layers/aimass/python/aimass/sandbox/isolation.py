"""How far a child is shut off from the machine: what a caller asks the runner for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NAMESPACES, USER, LANDLOCK, SECCOMP = "namespaces", "user", "landlock", "seccomp"
LAYERS = frozenset((NAMESPACES, USER, LANDLOCK, SECCOMP))


@dataclass(frozen=True)
class Isolation:
    """`layers` are applied in the child, all of them or it ends. `readable` are absolute paths of more to read.

    `strong` was shown by trying: no network, no process, nothing written outside the folder, nothing of the parent
    read. A file that runs code when it is opened needs that. `description` says in a line what is in force, for logs
    and warnings.
    """

    layers: tuple[str, ...] = ()
    strong: bool = False
    description: str = "a child with limits of its own; the machine's user, files and network"
    readable: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """What the child is told."""
        return {"layers": self.layers, "readable": self.readable}


#: For what only data is read from, such as ONNX: all that Lambda allows.
CONFINED = Isolation()
