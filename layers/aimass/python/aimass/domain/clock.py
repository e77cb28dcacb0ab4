"""Time as the registry writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> str:
    """The present moment, ISO 8601 in UTC with milliseconds."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """A moment of any zone as `now` writes it: texts sort as their moments do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def later(moment: str, **duration: float) -> str:
    """`duration` (as timedelta takes it) after a moment that `now` wrote."""
    return written(datetime.fromisoformat(moment) + timedelta(**duration))
