"""How much memory a process and its descendants hold."""

from __future__ import annotations

import os
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int:
    """Resident memory that isn't a file's; 0 for a process that has gone."""
    try:
        _, resident, shared, *_ = (int(field) for field in Path(f"/proc/{pid}/statm").read_text().split())
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, ValueError):
        return 0
    return (resident - shared) * PAGE_BYTES + sum(resident_bytes(int(child)) for child in children)
