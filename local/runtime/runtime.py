"""The Lambda service of this machine: invoke by name."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from local.runtime.function import Function
from local.runtime.pool import Pool
from local.runtime.result import Key, Result, UnknownFunction
from local.runtime.worker import Place

TICK_SECONDS = 0.5
# Lambda gives a whole vCPU from here on: a function this large computes, and more of its workers than the machine has
# cores only get into each other's way.
COMPUTES_MB = 1769
LIGHT_FACTOR = 4
MAX_LOG_BYTES = 10 * 1024 * 1024


class Runtime:
    """`workers` is the most processes that a function which computes gets, and as many brief calls of it run at once
    as there are cores; a light one gets four times as many, all at once."""

    def __init__(self, functions: Iterable[Function], place: Place, workers: int) -> None:
        self._place = place
        self._pools = {function.name: _pool(function, place, workers) for function in functions}
        self._watch = asyncio.create_task(self._keep_watch())

    async def invoke(self, name: str, payload: bytes, key: Key | None = None) -> Result:
        """Calls of one `key` may run together, where the function says so. Raises UnknownFunction and Throttled."""
        try:
            pool = self._pools[name]
        except KeyError:
            raise UnknownFunction(name) from None
        return await pool.submit(payload, key)

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


def _pool(function: Function, place: Place, workers: int) -> Pool:
    if function.memory_mb >= COMPUTES_MB:
        return Pool(function, place, workers, cores())
    return Pool(function, place, workers * LIGHT_FACTOR, workers * LIGHT_FACTOR)


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def _shorten(log: Path) -> None:
    """Empties a log that has grown large, keeping what it held as `.old`. Its writers append, so they just go on."""
    if log.stat().st_size > MAX_LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".old"))
        os.truncate(log, 0)
