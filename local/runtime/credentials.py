"""Temporary credentials of the functions' roles, as Lambda gives them to a function."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.runtime.function import Function

# Longer than any worker needs them and than a presigned URL lives, so that neither ends with its session.
SESSION_SECONDS = 12 * 3600

Credentials = Callable[[Function], Awaitable[bytes]]
AssumeRole = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class _Session:
    document: bytes
    renewed_at: float


class RoleSessions:
    """One session a function, replaced at half of its life. `assume_role` is that of an STS client; it may block."""

    def __init__(self, assume_role: AssumeRole, clock: Callable[[], float] = time.time) -> None:
        self._assume_role = assume_role
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._renewing = asyncio.Lock()

    async def __call__(self, function: Function) -> bytes:
        """The JSON that SDKs read from AWS_CONTAINER_CREDENTIALS_FULL_URI. Raises what `assume_role` raises."""
        async with self._renewing:
            session = self._sessions.get(function.name)
            if session is None or session.renewed_at <= self._clock():
                session = await asyncio.to_thread(self._begin, function)
                self._sessions[function.name] = session
        return session.document

    def _begin(self, function: Function) -> _Session:
        asked = {"RoleArn": function.role, "RoleSessionName": function.name, "DurationSeconds": SESSION_SECONDS}
        made = self._assume_role(**asked)["Credentials"]
        expires: datetime = made["Expiration"]
        document = {
            "AccessKeyId": made["AccessKeyId"],
            "SecretAccessKey": made["SecretAccessKey"],
            "Token": made["SessionToken"],
            "Expiration": expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return _Session(json.dumps(document).encode(), self._clock() + SESSION_SECONDS / 2)
