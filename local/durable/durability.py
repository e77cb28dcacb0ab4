"""Everything that makes this machine's AWS services keep what they acknowledged, put together; docs/adr/0024."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.durable.blobs import Blobs
from local.durable.events import DurableEvents
from local.durable.executions import DurableExecutions
from local.durable.items import DurableItems
from local.durable.journal import Journal
from local.durable.messages import DurableMessages
from local.durable.objects import DurableObjects
from local.durable.snapshots import Snapshots, States
from local.durable.streams import Streams
from local.durable.uploads import DurableUploads
from local.saver import Saver

JOURNAL, BLOBS, SNAPSHOTS = "journal.db", "blobs", "snapshots"


class Durability:
    """Made before MiniStack starts and after its settings are in the environment."""

    def __init__(self, state: Path) -> None:
        self.journal = Journal(state / JOURNAL)
        self._snapshots = Snapshots(state / SNAPSHOTS, _write_one)
        self._blobs = Blobs(state / BLOBS, self.journal)
        self._streams = Streams(self._blobs)
        self._items = DurableItems(self.journal)
        self._objects = DurableObjects(self.journal, self._blobs)
        self._uploads = DurableUploads(self.journal, self._blobs)
        self._messages = DurableMessages(self.journal)
        self._executions = DurableExecutions(self.journal)
        self._events = DurableEvents(self.journal)
        self._saved: Callable[[], None] = lambda: None
        self._code_in_use: set[str] | None = None

    def install(self) -> None:
        """Into MiniStack, which then loads from the journal after its snapshot."""
        from ministack import app
        from ministack.core import persistence
        from ministack.services import lambda_svc

        restore = app._load_persisted_state
        self._prune = lambda_svc._prune_orphan_code_blobs

        def restore_and_load() -> None:
            persistence.STATE_DIR = str(self._snapshots.newest())
            restore()
            for part in (self._items, self._objects, self._uploads, self._messages, self._executions):
                part.load()
            self._blobs.remove_strangers()

        parts = (self._streams, self._items, self._objects, self._uploads, self._messages, self._executions)
        for part in (*parts, self._events):
            part.install()
        app._load_persisted_state = restore_and_load
        app.save_all = self._write
        lambda_svc._prune_orphan_code_blobs = self._prune_later

    def make_saver(self) -> Saver:
        return Saver(self._collect, self._write, ready=_nothing_is_deployed_now)

    def deliver_pending(self) -> int:
        """Events and messages that the last process had not delivered; once functions can be called."""
        self._messages.let_functions_receive()
        return self._events.deliver_pending()

    def pending_events(self) -> int:
        return self._events.pending()

    def _collect(self) -> States:
        from ministack import app

        self._saved = self._executions.unsaved()
        states: States = app._build_persistence_save_dict()
        return states

    def _write(self, states: States) -> None:
        saved = self._saved
        self._snapshots.write(states)
        saved()
        if self._code_in_use is not None:
            self._prune(self._code_in_use)

    def _prune_later(self, in_use: set[str]) -> None:
        """MiniStack would remove functions' old code before the snapshot that does without it is on disk."""
        self._code_in_use = in_use


def _write_one(folder: Path, service: str, state: Any) -> None:
    from ministack.core import persistence

    persistence.STATE_DIR = str(folder)
    persistence.save_state(service, state)


def _nothing_is_deployed_now() -> bool:
    """A snapshot in the midst of a deployment would be of stacks that no later process goes on with."""
    from ministack.services import cloudformation

    return not any(stack["StackStatus"].endswith("_IN_PROGRESS") for stack in cloudformation._stacks.all_values())
