"""What one prediction costs: two models beside each other, so that what else the machine does strikes both."""

from __future__ import annotations

import ctypes
import gc
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass.compression.contract import NotApplicable
from aimass.compression.gauges import peak_bytes, percentile, resident_bytes
from aimass.compression.model_file import answers, open_session, refused

Feed = Mapping[str, Any]

# Each round loads both models anew: how fast one is hangs on where its memory happens to lie, too.
_ROUNDS = 3
_WARM = 3
_SECONDS = 9.0
# In a round: after so many runs, and seconds, more would say little.
_LEAST_RUNS, _MOST_RUNS = 2, 1_500
_ENOUGH = 150, 1.0


@dataclass(frozen=True)
class Cost:
    """Milliseconds of loading and of one prediction of one row, one thread; bytes of memory that both take at most.

    `best_ms` is the least that the processor spent, by which models are compared: waiting for it does not count.
    None for memory where the system does not tell.
    """

    load_ms: float
    p50_ms: float
    p99_ms: float
    best_ms: float
    runs: int
    memory_bytes: int | None


def beside(original: Path, candidate: Path, feeds: Sequence[Feed], seconds: float = _SECONDS) -> tuple[Cost, Cost]:
    """Both answer the same rows in turn. Raises NotApplicable where one does not load or run."""
    if not feeds:
        raise NotApplicable("there is no row to measure with")
    paths = (original, candidate)
    memory = [memory_of(path, feeds[0]) for path in paths]
    loads: list[list[float]] = [[], []]
    runs: list[list[float]] = [[], []]
    best = [math.inf, math.inf]
    for turn in range(_ROUNDS):
        sessions: dict[int, Any] = {}
        for at in _order(turn):
            start = time.perf_counter()
            sessions[at] = open_session(paths[at])
            loads[at].append((time.perf_counter() - start) * 1e3)
        for at, times in enumerate(_interleaved([sessions[0], sessions[1]], feeds, seconds / _ROUNDS)):
            runs[at] += [wall for wall, _ in times]
            # The processor's clock stands still at times, for a call that is short.
            best[at] = min(best[at], *(spent or wall for wall, spent in times))
    costs = [
        Cost(min(load), statistics.median(run), percentile(run, 0.99), least, len(run), held)
        for load, run, least, held in zip(loads, runs, best, memory, strict=True)
    ]
    return costs[0], costs[1]


def speed(original: Cost, candidate: Cost) -> float:
    """How many times faster the candidate answers."""
    return original.best_ms / candidate.best_ms


def memory_of(path: Path, feed: Feed) -> int | None:
    """Bytes by which this process grows while the model is loaded and answers once."""
    gc.collect()
    _give_back()
    before = resident_bytes()
    answers(open_session(path), [feed])
    return None if before is None else max(0, peak_bytes() - before)


def _interleaved(sessions: Sequence[Any], feeds: Sequence[Feed], seconds: float) -> list[list[tuple[float, float]]]:
    """Milliseconds of each run, on the clock and of this thread, which is the one that computes."""
    times: list[list[tuple[float, float]]] = [[] for _ in sessions]
    for session in sessions:
        answers(session, [feeds[0]] * _WARM)
    # Of an odd number each is met by both models in both orders: none meets the same row twice in a row, still warm.
    feeds = feeds[: len(feeds) - 1 + len(feeds) % 2]
    start = time.perf_counter()
    for turn in range(_MOST_RUNS):
        feed = dict(feeds[turn % len(feeds)])
        for at in _order(turn):
            with refused("the model does not run"):
                before, idle = time.perf_counter(), time.thread_time()
                sessions[at].run(None, feed)
                spent, after = time.thread_time() - idle, time.perf_counter()
                times[at].append(((after - before) * 1e3, spent * 1e3))
        taken = time.perf_counter() - start
        if turn + 1 >= _LEAST_RUNS and (taken > seconds or (turn + 1 >= _ENOUGH[0] and taken > _ENOUGH[1])):
            break
    return times


def _order(turn: int) -> tuple[int, int]:
    """Each goes first as often as second."""
    return (1, 0) if turn % 2 else (0, 1)


def _give_back() -> None:
    """What was freed goes back to the system, so that what the next model takes is seen as growth."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
