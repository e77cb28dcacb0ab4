"""What the states of a compression are told of it."""

from __future__ import annotations

from aimass.protocols.states import Event
from aimass.usecases.compression_steps import Running


def running(event: Event) -> Running:
    """`{tenant, job_id, attempt, prepared: {workspace}}`."""
    return Running(event["tenant"], event["job_id"], event["attempt"], event["prepared"]["workspace"])
