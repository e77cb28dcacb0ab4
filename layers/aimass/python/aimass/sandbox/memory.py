"""How much memory a child has while it works: what RLIMIT_DATA counts, and what was mapped so that it doesn't."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_COUNTED = ("RssAnon:", "RssShmem:", "VmSwap:")
_SLACK = 5 / 4  # stacks, and what libraries' loading leaves read-only, count here and not there


@dataclass(frozen=True)
class Memory:
    """A process's memory and the bytes that it may come to, None for no bound."""

    process: int
    most: int | None

    def overfull(self) -> bool:
        """Whether it has clearly more. A process that has ended, or a machine that does not tell, has none."""
        return self.most is not None and self._taken() > self.most * _SLACK

    def _taken(self) -> int:
        with suppress(OSError):
            lines = Path(f"/proc/{self.process}/status").read_text().splitlines()
            return sum(int(line.split()[1]) for line in lines if line.startswith(_COUNTED)) << 10
        return 0
