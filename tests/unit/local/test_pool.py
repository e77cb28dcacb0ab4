import asyncio
import json
import time
from pathlib import Path

import pytest

from local.runtime import pool as pools
from local.runtime.function import Function
from local.runtime.pool import Pool
from local.runtime.result import MAX_PAYLOAD_BYTES, Result, Throttled, failure

FUNCTION = Function("predict", "arn", "role", "handler.handler", 1769, 29, Path("/"))
KEY = ("acme", "/predict", "digits")
TOLD = {"max_batch": 4, "max_delay_ms": 0.0}


class Worker:
    """A process that takes jobs, and answers when it is told to."""

    def __init__(self, function, place, owner):
        self.owner = owner
        self.pid = None
        self.idle_since = time.monotonic()
        self.job = None

    async def run(self):
        self.owner.ready(self)
        await asyncio.Event().wait()

    def kill(self, verdict):
        self.verdict = verdict

    def give(self, job):
        self.job = job

    def answer(self, **more):
        """Each call's own number, and `more`."""
        job, self.job = self.job, None
        event = json.loads(job.payload)
        answers = [{"statusCode": 200, "body": str(one["n"]), **more} for one in event.get("calls", [event])]
        result = {"answers": answers} if "calls" in event else answers[0]
        job.finish(Result(json.dumps(result).encode()))
        self.owner.ready(self)

    def die(self):
        job, self.job = self.job, None
        job.finish(failure("Runtime.ExitError", "gone"))
        self.owner.ended(self, None)


class Bench:
    def __init__(self, cap=8, at_once=2):
        self.workers = []
        self.pool = Pool(FUNCTION, None, cap, at_once, self._make)
        self.sent = 0

    def _make(self, *arguments):
        self.workers.append(Worker(*arguments))
        return self.workers[-1]

    async def send(self, count=1, key=KEY, padding=""):
        results = []
        for _ in range(count):
            self.sent += 1
            results.append(self.pool.submit(json.dumps({"n": self.sent, "padding": padding}).encode(), key))
        await self.settle()
        return results

    async def settle(self):
        for _ in range(5):
            await asyncio.sleep(0)

    @property
    def busy(self):
        return [worker for worker in self.workers if worker.job]

    @property
    def sizes(self):
        return [len(worker.job.calls) for worker in self.busy]

    async def answer(self, **more):
        for worker in self.busy:
            worker.answer(**more)
        await self.settle()

    async def learn(self):
        """One call, whose answer says that calls of KEY may run together."""
        await self.send()
        await self.answer(batching=TOLD)


@pytest.fixture
def run(monkeypatch):
    def run(test, **options):
        async def whole():
            bench = Bench(**options)
            await test(bench)
            await bench.pool.close()

        asyncio.run(whole())

    return run


def bodies(results):
    return [int(result.result().answer["body"]) for result in results]


def test_brief_calls_run_on_as_many_workers_as_there_are_cores(run):
    async def test(bench):
        results = await bench.send(6)
        assert (len(bench.workers), bench.sizes) == (2, [1, 1])
        for _ in range(3):
            await bench.answer()
        assert len(bench.workers) == 2
        assert bodies(results) == [1, 2, 3, 4, 5, 6]

    run(test)


def test_behind_calls_that_last_others_get_a_worker_of_their_own(run, monkeypatch):
    monkeypatch.setattr(pools, "BRIEF_SECONDS", 0.02)
    monkeypatch.setattr(pools, "LOOK_AGAIN_SECONDS", 0.005)

    async def test(bench):
        await bench.send(3)
        assert bench.sizes == [1, 1]
        await asyncio.sleep(0.1)
        assert bench.sizes == [1, 1, 1]

    run(test)


def test_never_more_workers_than_the_cap(run, monkeypatch):
    monkeypatch.setattr(pools, "BRIEF_SECONDS", 0.0)
    monkeypatch.setattr(pools, "LOOK_AGAIN_SECONDS", 0.005)

    async def test(bench):
        await bench.send(9)
        await asyncio.sleep(0.1)
        assert len(bench.workers) == 3

    run(test, cap=3)


def test_calls_wait_apart_until_an_answer_says_that_they_may_run_together(run):
    async def test(bench):
        await bench.send(6)
        assert bench.sizes == [1, 1]
        await bench.answer(batching=TOLD)
        assert bench.sizes == [3, 1]

    run(test)


def test_calls_that_run_together_each_get_their_own_answer(run):
    async def test(bench):
        await bench.learn()
        results = await bench.send(9)
        while bench.busy:
            await bench.answer(batching=TOLD)
        assert bodies(results) == list(range(2, 11))

    run(test)


def test_no_more_run_together_than_the_answer_said(run):
    async def test(bench):
        await bench.learn()
        await bench.send(8)
        assert bench.sizes == [1]
        await bench.answer(batching=TOLD)
        assert bench.sizes == [4]

    run(test, at_once=1)


def test_workers_share_what_is_in_flight(run):
    async def test(bench):
        await bench.send(2)
        await bench.answer(batching=TOLD)
        await bench.send(6)
        first, second = bench.busy
        first.answer(batching=TOLD)
        assert [len(first.job.calls), len(second.job.calls)] == [3, 1]
        second.answer(batching=TOLD)
        assert len(second.job.calls) == 1

    run(test)


def test_calls_of_another_key_or_of_none_run_apart(run):
    async def test(bench):
        await bench.learn()
        await bench.send(1)
        await bench.send(2, key=("other", "/predict", "digits"))
        await bench.send(2, key=None)
        await bench.send(2)
        sizes = []
        while bench.busy:
            sizes += bench.sizes
            await bench.answer(batching=TOLD)
        assert sizes == [1, 1, 1, 1, 1, 2]

    run(test, at_once=1)


def test_an_answer_without_the_word_ends_it_and_an_error_does_not(run):
    async def test(bench):
        await bench.learn()
        await bench.send(4)
        await bench.answer(statusCode=400)
        assert bench.sizes == [3]
        await bench.send(2)
        await bench.answer()
        assert bench.sizes == [1]

    run(test, at_once=1)


def test_together_they_fit_one_event(run):
    async def test(bench):
        await bench.learn()
        await bench.send(4, padding="x" * (MAX_PAYLOAD_BYTES // 2 - 100))
        await bench.answer(batching=TOLD)
        assert bench.sizes == [2]
        assert len(bench.busy[0].job.payload) <= MAX_PAYLOAD_BYTES

    run(test, at_once=1)


def test_who_gave_up_waiting_is_not_handed_out(run):
    async def test(bench):
        await bench.learn()
        results = await bench.send(4)
        results[2].cancel()
        await bench.answer(batching=TOLD)
        assert bench.sizes == [2]
        await bench.answer()
        assert bodies([results[1], results[3]]) == [3, 5]

    run(test, at_once=1)


def test_all_calls_of_a_worker_that_died_fail_and_none_is_run_again(run):
    async def test(bench):
        await bench.learn()
        results = await bench.send(4)
        await bench.answer(batching=TOLD)
        (worker,) = bench.busy
        worker.die()
        await bench.settle()
        assert [result.result().failed for result in results] == [False, True, True, True]
        assert bench.busy == []

    run(test, at_once=1)


@pytest.mark.parametrize("answer", [b"{}", b'{"answers": []}', b"not json"])
def test_answers_that_are_not_one_for_each_call_are_a_failure_of_each(run, answer):
    async def test(bench):
        await bench.learn()
        results = await bench.send(3)
        await bench.answer(batching=TOLD)
        bench.busy[0].job.finish(Result(answer))
        assert [result.result().failed for result in results] == [False, True, True]

    run(test, at_once=1)


def test_an_idle_worker_killed_for_its_memory_is_given_nothing_more(run, monkeypatch):
    monkeypatch.setattr(pools, "resident_bytes", lambda pid: 1 << 40)

    async def test(bench):
        await bench.send()
        await bench.answer()
        (first,) = bench.workers
        first.pid = 1
        bench.pool.check_memory()
        assert first.verdict
        (result,) = await bench.send()
        assert first.job is None
        bench.pool.ended(first, None)
        await bench.settle()
        await bench.answer()
        assert bodies([result]) == [2]

    run(test, at_once=1)


def test_too_many_waiting_calls_are_turned_away(run, monkeypatch):
    monkeypatch.setattr(pools, "MAX_WAITING", 3)

    async def test(bench):
        await bench.send()
        await bench.send(3)
        with pytest.raises(Throttled):
            await bench.send()

    run(test, at_once=1)
