"""What waiting for the disk costs a write, without MiniStack around it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from local.durable.blobs import Blobs
from local.durable.journal import Journal

TIMES = 300
ITEM, OBJECT = "x" * 800, b"x" * 100_000
CALLERS = (1, 8, 32)


async def item_ms(journal: Journal) -> float:
    async def write(number: int) -> None:
        with journal.together():
            journal.touch(("item", str(number)), lambda: ITEM)
        await journal.settled()

    return await _median_ms(write)


async def object_ms(journal: Journal, blobs: Blobs) -> float:
    async def write(number: int) -> None:
        with journal.together():
            body = blobs.body(OBJECT)
            journal.touch(("object", str(number)), body.described)
        await journal.settled()

    return await _median_ms(write)


async def items_a_second(journal: Journal, callers: int) -> float:
    async def call(name: int) -> None:
        for number in range(TIMES):
            with journal.together():
                journal.touch(("item", f"{name}-{number}"), lambda: ITEM)
            await journal.settled()

    begun = time.perf_counter()
    await asyncio.gather(*(call(name) for name in range(callers)))
    return callers * TIMES / (time.perf_counter() - begun)


async def measure(folder: Path) -> list[tuple[str, str]]:
    """What was done, and what it took."""
    journal = Journal(folder / "journal.db")
    rows = [
        ("an item of 800 bytes", f"{await item_ms(journal):.2f} ms"),
        ("an object of 100 kB", f"{await object_ms(journal, Blobs(folder / 'blobs', journal)):.2f} ms"),
    ]
    for callers in CALLERS:
        rows.append((f"items, {callers} at once", f"{await items_a_second(journal, callers):,.0f} a second"))
    return rows


async def _median_ms(write: Callable[[int], Awaitable[None]]) -> float:
    times = []
    for number in range(TIMES):
        begun = time.perf_counter()
        await write(number)
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)
