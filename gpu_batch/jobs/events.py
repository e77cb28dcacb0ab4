"""What a job says of itself, a line of JSON an event."""

from __future__ import annotations

import json
from typing import Any


def log(event: str, **facts: Any) -> None:
    """Facts are never a payload nor a URL."""
    print(json.dumps({"event": event, **facts}), flush=True)
