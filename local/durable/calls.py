"""What must be on disk before a call of an AWS service is answered."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from enum import Enum
from typing import Any

READS = ("Get", "BatchGet", "Query", "Scan", "Describe", "List", "TransactGet", "Head", "Lookup", "Search", "Filter")
# Their effects are in the journal, or are none that lasts.
IN_THE_JOURNAL = (
    "DynamoDB_20120810.PutItem",
    "DynamoDB_20120810.UpdateItem",
    "DynamoDB_20120810.DeleteItem",
    "DynamoDB_20120810.BatchWriteItem",
    "DynamoDB_20120810.TransactWriteItems",
    "DynamoDB_20120810.ExecuteStatement",
    "DynamoDB_20120810.ExecuteTransaction",
    "DynamoDB_20120810.BatchExecuteStatement",
    "AmazonSQS.SendMessage",
    "AmazonSQS.ReceiveMessage",
    "AmazonSQS.DeleteMessage",
    "AmazonSQS.ChangeMessageVisibility",
    "AmazonSQS.PurgeQueue",
    "AWSStepFunctions.StartExecution",
    "TrentService.Encrypt",
    "TrentService.Decrypt",
    "TrentService.GenerateDataKey",
    "TrentService.ReEncrypt",
    "Logs_20140328.PutLogEvents",
    "AWSEvents.PutEvents",
)
WITHOUT_STATE = ("AssumeRole", "Decode")
ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
INVOCATION = re.compile(r"/\d{4}-\d\d-\d\d/functions/[^/]+/(invocations|invoke-async)")
SERVICE_PATH = re.compile(r"/\d{4}-\d\d-\d\d/|/v\d+/")


Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class Effect(Enum):
    NONE = "none"
    JOURNAL = "journal"  # something may have changed that the journal has
    SNAPSHOT = "snapshot"  # something may have changed that only a snapshot has


def effect(method: str, path: str, target: str, action: str) -> Effect:
    """`target` is the header that names the operation, `action` the form's field that does, where one of them is."""
    operation = target.rpartition(".")[2] or action
    if method in ("GET", "HEAD", "OPTIONS") or operation.startswith(READS):
        return Effect.NONE
    if target.startswith(IN_THE_JOURNAL) or operation.startswith(WITHOUT_STATE) or INVOCATION.match(path):
        return Effect.JOURNAL
    is_object = not operation and not SERVICE_PATH.match(path) and "/" in path.strip("/")
    return Effect.JOURNAL if is_object else Effect.SNAPSHOT


class Call:
    """A request, and which operation it turns out to be: some services name it in a form, which is the body."""

    def __init__(self, method: str, path: str, headers: dict[str, str]) -> None:
        self._call = method, path, headers.get("x-amz-target", "")
        self._is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        self._action = ""

    @property
    def effect(self) -> Effect:
        return effect(*self._call, self._action)

    def listening(self, receive: Receive) -> Receive:
        async def listen() -> Message:
            message = await receive()
            found = ACTION.search(message.get("body", b"")) if self._is_form and not self._action else None
            if found:
                self._action = found[1].decode()
            return message

        return listen
