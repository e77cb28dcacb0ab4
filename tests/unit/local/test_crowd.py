import asyncio

import pytest

from local.runtime.crowd import Crowd
from local.runtime.job import Call
from local.runtime.result import Result

LONG = 60_000.0


class Door:
    """A crowd, and the groups in which its calls were let go."""

    def __init__(self, most_calls=8, delay_ms=LONG):
        self.groups = []
        self.crowd = Crowd(lambda calls: self.groups.append(list(calls)))
        self.crowd.limit(most_calls, delay_ms)

    def arrive(self, count=1):
        calls = [Call(b"{}", asyncio.get_running_loop().create_future()) for _ in range(count)]
        for call in calls:
            self.crowd.arrive(call)
        return calls

    async def answer(self, calls):
        for call in calls:
            call.settle(Result(b"{}"))
        await asyncio.sleep(0)

    @property
    def sizes(self):
        return [len(group) for group in self.groups]


def run(test):
    asyncio.run(test())


def test_a_lone_caller_never_waits():
    async def test():
        door = Door()
        for _ in range(5):
            await door.answer(door.arrive())
        assert door.sizes == [1] * 5

    run(test)


def test_callers_who_come_again_are_let_go_together():
    async def test():
        door = Door()
        first = door.arrive(4)
        assert door.sizes == [1, 1, 1, 1]
        await door.answer(first)
        door.arrive(3)
        assert door.sizes == [1, 1, 1, 1]
        door.arrive()
        assert door.sizes == [1, 1, 1, 1, 4]

    run(test)


def test_those_whose_calls_still_run_are_not_waited_for():
    async def test():
        door = Door()
        first = door.arrive(4)
        await door.answer(first[:2])
        door.arrive(2)
        assert door.sizes == [1, 1, 1, 1, 2]

    run(test)


def test_when_the_delay_is_over_fewer_go_and_fewer_are_expected_from_then_on():
    async def test():
        door = Door(delay_ms=5.0)
        await door.answer(door.arrive(4))
        late = door.arrive(2)
        assert len(door.groups) == 4
        await asyncio.sleep(0.05)
        assert door.sizes[4:] == [2]
        await door.answer(late)
        door.arrive(2)
        assert door.sizes[4:] == [2, 2]

    run(test)


def test_as_many_as_may_run_together_wait_for_nobody():
    async def test():
        door = Door(most_calls=2)
        await door.answer(door.arrive(6))
        door.arrive(2)
        assert door.sizes[6:] == [2]

    run(test)


@pytest.mark.parametrize("gone", ["cancel", "settle"])
def test_callers_who_gave_up_are_not_expected_to_answer(gone):
    async def test():
        door = Door()
        calls = door.arrive(3)
        for call in calls:
            call.result.cancel() if gone == "cancel" else call.settle(Result(b"", failed=True))
        await asyncio.sleep(0)
        door.arrive(3)
        assert door.sizes == [1, 1, 1, 3]

    run(test)
