"""A function as it is deployed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Function:
    """`code` is the folder of its unpacked deployment package, `role` the ARN of what it may do."""

    name: str
    arn: str
    role: str
    handler: str
    memory_mb: int
    timeout_seconds: int
    code: Path
    environment: dict[str, str] = field(default_factory=dict)
