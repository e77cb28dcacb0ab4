"""DynamoDB's reads and its counter, with the arguments and answers of boto3's client.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aimass.adapters.aws.signed.connection import Connection


class SignedDynamoDb:
    """The part of boto3's DynamoDB client that a prediction uses; for all else `open_sdk` gives that client itself."""

    def __init__(self, connection: Connection, open_sdk: Callable[[], Any]) -> None:
        self._connection = connection
        self._open_sdk = open_sdk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._open_sdk(), name)

    def get_item(self, **request: Any) -> Any:
        """GetItem."""
        return self._call("GetItem", request)

    def query(self, **request: Any) -> Any:
        """Query, one page."""
        return self._call("Query", request)

    def update_item(self, **request: Any) -> Any:
        """UpdateItem."""
        return self._call("UpdateItem", request)

    def _call(self, operation: str, request: dict[str, Any]) -> Any:
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"DynamoDB_20120810.{operation}"}
        body = json.dumps(request, separators=(",", ":")).encode()
        return json.loads(self._connection.call("POST", "/", headers, body, operation))
