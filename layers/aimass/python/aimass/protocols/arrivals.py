"""What EventBridge tells of an object that was put into a bucket."""

from __future__ import annotations

from typing import Any

from aimass.usecases.start_import import ArrivedObject


def arrived_object(event: dict[str, Any]) -> ArrivedObject:
    """Of an `Object Created` event. Raises KeyError for any other."""
    bucket, found = event["detail"]["bucket"], event["detail"]["object"]
    return ArrivedObject(bucket["name"], found["key"], found["version-id"], found["size"], event["time"])
