"""What a sandboxed child may use."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MIB = 1 << 20
#: How many times its own limit the load that measures and optimises may take: the optimised graph loads faster.
FIRST_LOAD_SLACK = 3


@dataclass(frozen=True)
class Limits:
    """Limits of one child process.

    `seconds` is wall-clock time for everything it does and `call_seconds` for loading the model, and for one call.
    `memory_bytes` is private memory (RLIMIT_DATA): a file that is mapped for reading does not count. `file_bytes` is
    both the largest file that it may write and what an archive may unpack to, in all. `folder_bytes` is what all
    files in its folder may come to, None for no bound. `processes` bounds the threads of an isolated child.
    """

    seconds: float
    memory_bytes: int
    file_bytes: int
    call_seconds: float | None = None
    open_files: int = 1024
    folder_bytes: int | None = None
    processes: int = 256

    @property
    def memory_mb(self) -> int:
        """The memory in MB as Lambda counts them (2**20 bytes)."""
        return self.memory_bytes // MIB

    def document(self) -> dict[str, Any]:
        """The limits as JSON, for the child."""
        return asdict(self)
