"""`<state>/stack.json`: where a running stack answers, for the tools that talk to it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "stack.json"


class NotRunning(RuntimeError):
    """No stack runs on this state folder."""


@dataclass(frozen=True)
class StackFile:
    url: str
    aws_endpoint: str
    table: str
    uploads_bucket: str
    artifacts_bucket: str
    pid: int

    def write(self, state: Path) -> None:
        partial = state / f"{NAME}.partial"
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n")
        partial.rename(state / NAME)


def read_stack_file(state: Path) -> StackFile:
    """Raises NotRunning."""
    try:
        stack = StackFile(**json.loads((state / NAME).read_text()))
        os.kill(stack.pid, 0)
    except (FileNotFoundError, ProcessLookupError) as error:
        raise NotRunning(f"no stack runs on {state}: start one with 'make run'") from error
    return stack
