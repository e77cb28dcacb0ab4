"""The workers of one function: grows while calls wait, up to a cap, and shrinks when they stay idle."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from local.runtime.function import Function
from local.runtime.job import Call
from local.runtime.memory import resident_bytes
from local.runtime.result import Key, Result, Throttled, failure
from local.runtime.waiting import Waiting
from local.runtime.worker import Owner, Place, Worker

MAX_WAITING = 1000
# Starting takes a core for a while: more at once only start later.
STARTING_AT_ONCE = 2
IDLE_SECONDS = 300.0
# A call that has not ended by then waits for something, or is long: others get a process beside it.
BRIEF_SECONDS = 0.25
LOOK_AGAIN_SECONDS = 0.05


class Pool:
    """At most `cap` processes; of calls that may be brief, at most `at_once` run side by side."""

    def __init__(
        self,
        function: Function,
        place: Place,
        cap: int,
        at_once: int,
        make_worker: Callable[[Function, Place, Owner], Worker] = Worker,
    ) -> None:
        self._function = function
        self._place = place
        self._make_worker = make_worker
        self._cap = cap
        self._at_once = min(at_once, cap)
        self._waiting = Waiting(self._hand_out)
        self._idle: list[Worker] = []
        self._busy: dict[Worker, float] = {}
        self._starting: set[Worker] = set()
        self._running: dict[Worker, asyncio.Task[None]] = {}
        self._looks_again: asyncio.TimerHandle | None = None

    def submit(self, payload: bytes, key: Key | None = None) -> asyncio.Future[Result]:
        """The call is carried through even if the future is cancelled once a worker has it. Raises Throttled."""
        if len(self._waiting) >= MAX_WAITING:
            raise Throttled(f"{MAX_WAITING} calls wait for {self._function.name}")
        call = Call(payload, asyncio.get_running_loop().create_future(), key)
        self._waiting.add(call)
        return call.result

    def warm(self) -> None:
        """Starts a worker if there is none."""
        if not self._running:
            self._start()

    def ready(self, worker: Worker) -> None:
        """It waits for a job."""
        self._starting.discard(worker)
        self._busy.pop(worker, None)
        self._idle.append(worker)
        self._hand_out()

    def ended(self, worker: Worker, never_began: Result | None) -> None:
        self._starting.discard(worker)
        self._running.pop(worker, None)
        self._busy.pop(worker, None)
        if worker in self._idle:
            self._idle.remove(worker)
        if never_began and (call := self._waiting.pop()):
            call.settle(never_began)
        self._hand_out()

    def check_memory(self) -> None:
        """Kills a worker that holds, with its children, more than the function's memory."""
        for worker in self._running:
            if worker.pid and resident_bytes(worker.pid) > self._function.memory_mb * 1024 * 1024:
                if worker in self._idle:
                    self._idle.remove(worker)
                worker.kill(failure("Runtime.OutOfMemory", f"more than {self._function.memory_mb} MB used"))

    def reap(self) -> None:
        """Ends workers idle for long, but one."""
        old = [worker for worker in self._idle if worker.idle_since < time.monotonic() - IDLE_SECONDS]
        for worker in old[: len(self._running) - 1]:
            self._idle.remove(worker)
            worker.kill(failure("Runtime.ExitError", "idle"))

    async def close(self) -> None:
        if self._looks_again:
            self._looks_again.cancel()
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _hand_out(self) -> None:
        while self._waiting and self._idle and self._places() > 0:
            job = self._waiting.take(min(self._at_once, len(self._idle) + len(self._busy)))
            if job is None:
                break
            worker = self._idle.pop()
            self._busy[worker] = time.monotonic()
            worker.give(job)
        self._grow()
        if self._waiting and self._looks_again is None:
            self._looks_again = asyncio.get_running_loop().call_later(LOOK_AGAIN_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._looks_again = None
        self._hand_out()

    def _places(self) -> int:
        """How many more calls may run now."""
        brief = time.monotonic() - BRIEF_SECONDS
        return self._at_once - sum(began > brief for began in self._busy.values())

    def _grow(self) -> None:
        if self._idle:
            return
        wanted = min(STARTING_AT_ONCE, len(self._waiting), self._places())
        while len(self._starting) < wanted and len(self._running) < self._cap:
            self._start()

    def _start(self) -> None:
        worker = self._make_worker(self._function, self._place, self)
        self._starting.add(worker)
        self._running[worker] = asyncio.create_task(worker.run())
