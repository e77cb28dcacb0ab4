"""The platform's own error shape: `{"error", "code", "details", "request_id"}`."""

from __future__ import annotations

from typing import Any


def error_body(code: str, message: str, details: dict[str, Any], request_id: str) -> dict[str, Any]:
    """The JSON object that answers an error; `code` is stable, `error` is for people."""
    return {"error": message, "code": code, "details": details, "request_id": request_id}
