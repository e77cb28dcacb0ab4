"""SQS's messages in the journal, from being sent until they are deleted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from local.durable.journal import Journal

KIND = "message"
Message = dict[str, Any]
Address = tuple[str, str, str]  # account, region, queue URL


class DurableMessages:
    """After every call that may change a queue, what is new in it is written and what is gone is removed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._functions_receive = False
        self._written: dict[Address, dict[str, int]] = {}  # how often each message was received

    def install(self) -> None:
        from ministack.services import eventbridge, s3, sqs

        handle = sqs.handle_request

        async def handle_and_tell(*arguments: Any) -> Any:
            answer = await handle(*arguments)
            self._compare()
            return answer

        receive = sqs._receive_messages_for_esm
        sqs.handle_request = handle_and_tell
        sqs._receive_messages_for_esm = lambda *arguments: receive(*arguments) if self._functions_receive else []
        for module, name in (
            (eventbridge, "_dispatch_to_sqs"),
            (s3, "_deliver_event_to_sqs"),
            (sqs, "_receive_messages_for_esm"),
            (sqs, "_delete_messages_for_esm"),
        ):
            setattr(module, name, self._telling(getattr(module, name)))

    def load(self) -> None:
        """After the snapshot, which has the queues. What was being worked on is visible again."""
        from ministack.services import sqs

        queues = dict(sqs._queues.all_items())
        for queue in queues.values():
            queue["messages"] = []
        for (account, region, url, _), message in self._journal.records(KIND):
            queue = queues.get((account, region, url))
            if queue is not None:
                queue["messages"].append(again_visible(message))
        for address, queue in queues.items():
            queue["messages"].sort(key=lambda message: message["sent_at"])
            self._written[address] = {message["id"]: message["receive_count"] for message in queue["messages"]}

    def let_functions_receive(self) -> None:
        """Not before they can be called: a message that failed is hidden for minutes."""
        self._functions_receive = True

    def _telling(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def change_and_tell(*arguments: Any, **options: Any) -> Any:
            result = change(*arguments, **options)
            self._compare()
            return result

        return change_and_tell

    def _compare(self) -> None:
        """Writes at once, not with what else the caller has touched: it may find messages that another one sent."""
        from ministack.services import sqs

        changed: dict[tuple[str, ...], Message | None] = {}
        with self._lock:
            for address, queue in sqs._queues.all_items():
                messages = {message["id"]: dict(message) for message in list(queue["messages"])}
                written = self._written.setdefault(address, {})
                for gone in written.keys() - messages.keys():
                    del written[gone]
                    changed[KIND, *address, gone] = None
                for message_id, message in messages.items():
                    if written.get(message_id) != message["receive_count"]:
                        written[message_id] = message["receive_count"]
                        changed[KIND, *address, message_id] = message
            self._journal.write(changed)


def again_visible(message: Message) -> Message:
    """Whoever had received it is gone; one that was delayed stays so."""
    received = {"receipt_handle": None, "visible_at": min(message["visible_at"], time.time())}
    return message | received if message["receive_count"] else message
