"""Executions in the journal from their start until a snapshot holds them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from local.durable.journal import Journal, Key

KIND = "execution"
CUT_OFF = "States.ServiceRestart"


class DurableExecutions:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._unsaved: set[Key] = set()

    def install(self) -> None:
        from ministack.services import stepfunctions

        stepfunctions._start_execution = self._telling(stepfunctions._start_execution)

    def load(self) -> None:
        """After the snapshot. One that it lacks was cut off, like those that it has as running."""
        from ministack.services import stepfunctions

        for (account, region, arn), execution in self._journal.records(KIND):
            self._unsaved.add((KIND, account, region, arn))
            if not stepfunctions._executions.contains_scoped(account, region, arn):
                ended = {"status": "FAILED", "stopDate": stepfunctions.now_iso(), "error": CUT_OFF, "cause": "stopped"}
                stepfunctions._executions.set_scoped(account, region, arn, execution | ended)

    def unsaved(self) -> Callable[[], None]:
        """Called before a snapshot is taken; its answer after that is on disk."""
        return partial(self._forget, set(self._unsaved))

    def _forget(self, saved: set[Key]) -> None:
        self._unsaved -= saved
        self._journal.write(dict.fromkeys(saved))

    def _telling(self, start: Callable[..., Any]) -> Callable[..., Any]:
        def start_and_tell(data: dict[str, Any]) -> Any:
            from ministack.core.responses import get_account_id, get_region
            from ministack.services import stepfunctions

            answer = start(data)
            if answer[0] == 200:
                arn = json.loads(answer[2])["executionArn"]
                key = (KIND, get_account_id(), get_region(), arn)
                execution = dict(stepfunctions._executions[arn])
                self._unsaved.add(key)
                self._journal.touch(key, lambda: {**execution, "events": execution["events"][:1]})
            return answer

        return start_and_tell
