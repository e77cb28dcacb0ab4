"""Writes the AWS services' state a moment after it may have changed, and only then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

LOG = logging.getLogger(__name__)
AFTER_SECONDS = 1.0

States = dict[str, Callable[[], Any]]


class Saver:
    """`collect` gives a function for each service that copies its state, `write` writes what such functions give."""

    def __init__(self, collect: Callable[[], States], write: Callable[[States], None]) -> None:
        self._collect = collect
        self._write = write
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run())

    def changed(self) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self._changed.set)

    async def close(self) -> None:
        """Waits for a save that is going on. The last state is for the caller to save."""
        self._closing.set()
        self._changed.set()
        await self._task

    async def _run(self) -> None:
        while not self._closing.is_set():
            await self._changed.wait()
            try:
                await asyncio.wait_for(self._closing.wait(), AFTER_SECONDS)
            except TimeoutError:
                self._changed.clear()
                await self._save()

    async def _save(self) -> None:
        """Copies on the loop, where requests change the state, and writes on a thread."""
        copies = {name: _copy(name, get_state) for name, get_state in self._collect().items()}
        await asyncio.to_thread(self._write, {name: partial(copies.get, name) for name in copies})


def _copy(name: str, get_state: Callable[[], Any]) -> Any:
    """None, which leaves what was saved before, if a running execution keeps changing the state under the copy."""
    for _ in range(5):
        try:
            return get_state()
        except RuntimeError as error:
            LOG.warning("%s changed while it was copied: %s", name, error)
    return None
