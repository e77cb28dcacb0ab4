"""Writes the AWS services' state a moment after it may have changed, and only then."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from functools import partial
from typing import Any

LOG = logging.getLogger(__name__)
AFTER_SECONDS = 1.0
NOT_READY_SECONDS = 0.1

States = dict[str, Callable[[], Any]]


class Saver:
    """`collect` gives a function for each service that copies its state, `write` writes what such functions give.

    While `ready` says no, nothing is saved.
    """

    def __init__(
        self,
        collect: Callable[[], States],
        write: Callable[[States], None],
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self.ready = ready
        self._collect = collect
        self._write = write
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closing = False
        self._callers: list[asyncio.Future[None]] = []
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run())

    def changed(self) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self._changed.set)

    async def saved(self) -> None:
        """Returns when a save that began after this call is on disk."""
        told: asyncio.Future[None] = self._loop.create_future()
        self._callers.append(told)
        self._changed.set()
        self._hurry.set()
        await told

    async def close(self) -> None:
        """Waits for a save that is going on. The last state is for the caller to save."""
        self._closing = True
        self._changed.set()
        self._hurry.set()
        await self._task

    async def _run(self) -> None:
        while not self._closing:
            await self._changed.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), AFTER_SECONDS)
            if self._closing:
                return
            if not self.ready():
                await asyncio.sleep(NOT_READY_SECONDS)
                continue
            self._changed.clear()
            self._hurry.clear()
            told, self._callers = self._callers, []
            await self._save()
            for caller in told:
                if not caller.done():
                    caller.set_result(None)

    async def _save(self) -> None:
        """Copies on the loop, where requests change the state, and writes on a thread."""
        try:
            copies = {name: _copy(name, get_state) for name, get_state in self._collect().items()}
            await asyncio.to_thread(self._write, {name: partial(copies.get, name) for name in copies})
        except OSError:
            LOG.exception("state cannot be saved; nothing can be acknowledged any more")
            os._exit(1)


def _copy(name: str, get_state: Callable[[], Any]) -> Any:
    """None, which leaves what was saved before, if a running execution keeps changing the state under the copy."""
    for _ in range(5):
        try:
            return get_state()
        except RuntimeError as error:
            LOG.warning("%s changed while it was copied: %s", name, error)
    return None
