"""The Lambda service of this machine: invoke by name."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from local.runtime.function import Function
from local.runtime.pool import Pool
from local.runtime.result import Result, UnknownFunction
from local.runtime.worker import Place

TICK_SECONDS = 0.5
# A function this large loads models and computes: fewer of its workers fit on a machine.
LARGE_MB = 2048
LIGHT_FACTOR = 4
MAX_LOG_BYTES = 10 * 1024 * 1024


class Runtime:
    """`workers` is the most processes that a large function gets; a light one gets four times as many."""

    def __init__(self, functions: Iterable[Function], place: Place, workers: int) -> None:
        self._place = place
        self._pools = {
            function.name: Pool(function, place, workers if function.memory_mb >= LARGE_MB else workers * LIGHT_FACTOR)
            for function in functions
        }
        self._watch = asyncio.create_task(self._keep_watch())

    async def invoke(self, name: str, payload: bytes) -> Result:
        """Raises UnknownFunction and Throttled."""
        try:
            pool = self._pools[name]
        except KeyError:
            raise UnknownFunction(name) from None
        return await pool.submit(payload)

    def warm(self, names: Iterable[str]) -> None:
        for name in names:
            self._pools[name].warm()

    async def close(self) -> None:
        self._watch.cancel()
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    async def _keep_watch(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for pool in self._pools.values():
                pool.check_memory()
                pool.reap()
            for log in self._place.logs.glob("*.log"):
                _shorten(log)


def _shorten(log: Path) -> None:
    """Empties a log that has grown large, keeping what it held as `.old`. Its writers append, so they just go on."""
    if log.stat().st_size > MAX_LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".old"))
        os.truncate(log, 0)
