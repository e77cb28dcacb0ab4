"""What a tenant may have, what it has, and its keys."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a tenant may have; `calls_per_second` None is without limit."""

    bytes: int
    models: int
    jobs: int
    calls_per_second: int | None = None


@dataclass(frozen=True)
class Usage:
    """What a tenant has: bytes stored or reserved, models, jobs that have not ended."""

    bytes: int = 0
    models: int = 0
    jobs: int = 0


@dataclass(frozen=True)
class ApiKey:
    """A key as its tenant sees it: never the secret, only how it begins."""

    id: str
    name: str
    prefix: str
    created_at: str
    rotated_at: str | None = None
    expires_at: str | None = None
