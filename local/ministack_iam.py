"""MiniStack's IAM as one machine needs it; docs/adr/0025 says why. With AUTH=true it checks every signed request."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PARTS = {
    "ministack.app": ("pin_request_origin",),
    "ministack.services.sts": ("_sessions", "register_session"),
}
SETTINGS = {"AUTH": "true"}
NAME = "sessions.jsonl"
Session = dict[str, Any]
Register = Callable[[str, Session], None]


def enforce_roles(state: Path) -> None:
    """To be called before MiniStack serves."""
    from ministack import app
    from ministack.services import sts

    # The buckets refuse requests without TLS; on loopback nobody listens.
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _secure: pin(source_ip, True)
    sts._sessions.update(read_sessions(state / NAME, time.time()))
    sts.register_session = registering_on_disk(sts.register_session, state / NAME)


def registering_on_disk(register: Register, file: Path) -> Register:
    """MiniStack forgets its sessions when it ends, and the URLs that were presigned in them die with it."""

    def register_and_write(access_key: str, session: Session) -> None:
        register(access_key, session)
        _write(file, "a", {access_key: session})

    return register_and_write


def read_sessions(file: Path, now: float) -> dict[str, Session]:
    """Those that have not expired, which alone stay in the file. `now` is in seconds since 1970."""
    if not file.exists():
        return {}
    valid = {}
    for line in file.read_text().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:  # torn by the end of the process that wrote it: nobody was told of it
            continue
        valid.update({key: session for key, session in entry.items() if session.get("Expiration", 0) > now})
    _write(file.with_suffix(".new"), "w", *({key: session} for key, session in valid.items()))
    file.with_suffix(".new").replace(file)
    return valid


def _write(file: Path, mode: str, *entries: dict[str, Session]) -> None:
    """They are secrets: the file is its owner's only."""
    with open(file, mode, opener=lambda path, flags: os.open(path, flags, 0o600)) as lines:
        lines.writelines(json.dumps(entry) + "\n" for entry in entries)
        lines.flush()
        os.fsync(lines.fileno())
