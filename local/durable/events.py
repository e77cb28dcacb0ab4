"""S3's events in the journal from the change that caused them until their targets have them, across restarts."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from contextvars import ContextVar
from typing import Any

from local.durable.journal import Journal

LOG = logging.getLogger(__name__)
KIND = "event"
PAUSES_SECONDS = (1.0, 5.0)  # before a second and a third try, as Lambda tries an asynchronous call three times
Event = dict[str, Any]

_delivered: ContextVar[Event | None] = ContextVar("delivered", default=None)


class DurableEvents:
    """An event is delivered at least once, under the id and time of its first try."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def install(self) -> None:
        from ministack.services import eventbridge, s3

        self._send = s3._fire_s3_event
        self._call_anyway = eventbridge._dispatch_to_lambda
        dispatch = eventbridge._dispatch_event

        def dispatch_named(event: Event, *more: Any) -> Any:
            return dispatch(named(event, _delivered.get()), *more)

        s3._fire_s3_event_async = self._fire
        eventbridge._dispatch_event = dispatch_named
        eventbridge._dispatch_to_lambda = self._call

    def deliver_pending(self) -> int:
        """Starts on what the last process had not delivered, and says how many there are."""
        pending = [event for _, event in self._journal.records(KIND)]
        for event in pending:
            self._start(event)
        return len(pending)

    def pending(self) -> int:
        return sum(1 for _ in self._journal.records(KIND))

    def _fire(self, bucket: str, key: str, name: str, *arguments: Any, **options: Any) -> None:
        from ministack.core.responses import get_account_id
        from ministack.services import s3

        if bucket not in s3._bucket_notifications:
            return
        event = {
            "id": str(uuid.uuid4()),
            "time": s3.now_iso(),
            "account": get_account_id(),
            "arguments": [bucket, key, name, *arguments],
            "options": {**options, "sequencer": s3._next_event_sequencer(name)},
        }
        self._journal.touch((KIND, event["id"]), lambda: self._begin(event))

    def _begin(self, event: Event) -> Event:
        """As its record is written: it is sent once that is on disk, with whatever caused it."""
        self._journal.afterwards(lambda: self._start(event))
        return event

    def _start(self, event: Event) -> None:
        threading.Thread(target=self._deliver, args=(event,), daemon=True).start()

    def _deliver(self, event: Event) -> None:
        from ministack.core.responses import set_request_account_id

        set_request_account_id(event["account"])
        event = {**event, "failed": False}
        _delivered.set(event)
        with self._journal.together():
            self._send(*event["arguments"], **event["options"])
            if not event["failed"]:
                self._journal.touch((KIND, event["id"]), lambda: None)

    def _call(self, arn: str, payload: str) -> None:
        """A function that is called with an event of S3's; three times at most, then at the next start again."""
        from ministack.services import lambda_svc

        event = _delivered.get()
        if event is None:
            self._call_anyway(arn, payload)
            return
        function, config, name = lambda_svc._get_func_record_for_ref(arn)
        if not function or not config:
            LOG.warning("there is no function %s for an event", name)
            return
        record = lambda_svc._execution_record_for_config(function, config)
        for pause in (*PAUSES_SECONDS, None):
            answer = lambda_svc._execute_function_with_config_scope(record, json.loads(payload))
            if not answer.get("error"):
                return
            LOG.warning("%s failed on an event: %s", name, answer.get("body"))
            if pause is not None:
                time.sleep(pause)
        event["failed"] = True


def named(event: Event, delivered: Event | None) -> Event:
    """As S3 sends it for a versioned bucket, with `version-id`, and with the id and time of its first try."""
    if delivered is None or event.get("Source") != "aws.s3":
        return event
    detail = json.loads(event["Detail"])
    version_id = delivered["options"].get("version_id")
    if version_id:
        detail["object"]["version-id"] = version_id
    return {**event, "EventId": delivered["id"], "Time": delivered["time"], "Detail": json.dumps(detail)}
