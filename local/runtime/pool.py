"""The workers of one function: grows while calls wait, up to a cap, and shrinks when they stay idle."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from local.runtime.function import Function
from local.runtime.memory import resident_bytes
from local.runtime.result import Result, Throttled, failure
from local.runtime.worker import Job, Place, Worker

MAX_WAITING = 1000
# Starting takes a core for a while: more at once only start later.
STARTING_AT_ONCE = 2
IDLE_SECONDS = 300.0


class Pool:
    def __init__(self, function: Function, place: Place, cap: int) -> None:
        self._function = function
        self._place = place
        self._cap = cap
        self._waiting: deque[Job] = deque()
        self._idle: list[Worker] = []
        self._starting: set[Worker] = set()
        self._running: dict[Worker, asyncio.Task[None]] = {}

    def submit(self, payload: bytes) -> asyncio.Future[Result]:
        """The call is carried through even if the future is cancelled once a worker has it. Raises Throttled."""
        job = Job(payload, asyncio.get_running_loop().create_future())
        if self._idle:
            self._idle.pop().give(job)
        elif len(self._waiting) >= MAX_WAITING:
            raise Throttled(f"{MAX_WAITING} calls wait for {self._function.name}")
        else:
            self._waiting.append(job)
            self._grow()
        return job.result

    def warm(self) -> None:
        """Starts a worker if there is none."""
        if not self._running:
            self._start()

    def next_job(self, worker: Worker) -> Job | None:
        self._starting.discard(worker)
        job = self._first_waiting()
        if job is None:
            self._idle.append(worker)
        self._grow()
        return job

    def ended(self, worker: Worker, never_began: Result | None) -> None:
        self._starting.discard(worker)
        self._running.pop(worker, None)
        if worker in self._idle:
            self._idle.remove(worker)
        if never_began and (job := self._first_waiting()):
            job.finish(never_began)
        self._grow()

    def check_memory(self) -> None:
        """Kills a worker that holds, with its children, more than the function's memory."""
        for worker in self._running:
            if worker.pid and resident_bytes(worker.pid) > self._function.memory_mb * 1024 * 1024:
                worker.kill(failure("Runtime.OutOfMemory", f"more than {self._function.memory_mb} MB used"))

    def reap(self) -> None:
        """Ends workers idle for long, but one."""
        old = [worker for worker in self._idle if worker.idle_since < time.monotonic() - IDLE_SECONDS]
        for worker in old[: len(self._running) - 1]:
            self._idle.remove(worker)
            worker.kill(failure("Runtime.ExitError", "idle"))

    async def close(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _first_waiting(self) -> Job | None:
        while self._waiting:
            job = self._waiting.popleft()
            if not job.result.done():
                return job
        return None

    def _grow(self) -> None:
        wanted = min(STARTING_AT_ONCE, len(self._waiting))
        while len(self._starting) < wanted and len(self._running) < self._cap:
            self._start()

    def _start(self) -> None:
        worker = Worker(self._function, self._place, self)
        self._starting.add(worker)
        self._running[worker] = asyncio.create_task(worker.run())
