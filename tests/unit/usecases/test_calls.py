"""Calls a second over many environments that share one counter."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.errors import TooManyCalls
from aimass.usecases.calls import CallMeter


class SharedCounter:
    """What the table counts; `told` has every telling."""

    def __init__(self):
        self.sums = Counter()
        self.told = []

    def add(self, tenant, second, calls):
        self.told.append((tenant, second, calls))
        self.sums[tenant, second] += calls
        return self.sums[tenant, second]


class Unreachable:
    """A counter that knows no more than it is told."""

    def add(self, tenant, second, calls):
        return calls


class Clock:
    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time


def admitted(meter, limit, tenant="t"):
    try:
        meter.admit(tenant, limit)
    except TooManyCalls:
        return 0
    return 1


@given(limit=st.integers(0, 300), environments=st.integers(1, 8), data=st.data())
def test_all_environments_together_overshoot_by_less_than_a_twentieth_each(limit, environments, data):
    counter = SharedCounter()
    meters = [CallMeter(counter, Clock()) for _ in range(environments)]
    calls = data.draw(st.lists(st.integers(0, environments - 1), max_size=2 * limit + 60))
    passed = sum(admitted(meters[one], limit) for one in calls)
    share = math.ceil(limit / 20)
    assert passed <= limit + environments * max(share - 1, 0)
    if len(calls) >= limit + environments * share:
        assert passed >= limit - environments * share


@given(limit=st.integers(0, 20), calls=st.lists(st.integers(0, 4), max_size=60))
def test_limits_up_to_twenty_are_exact_over_any_number_of_environments(limit, calls):
    counter = SharedCounter()
    meters = [CallMeter(counter, Clock()) for _ in range(5)]
    assert sum(admitted(meters[one], limit) for one in calls) == min(limit, len(calls))


@given(limit=st.integers(0, 500), more=st.integers(0, 50))
def test_an_only_environment_admits_the_limit_exactly_and_tells_it_in_twentieths(limit, more):
    counter = SharedCounter()
    meter = CallMeter(counter, Clock())
    assert [admitted(meter, limit) for _ in range(limit + more)] == [1] * limit + [0] * more
    assert len(counter.told) <= 20


def test_a_new_second_starts_afresh_and_one_tenant_takes_nothing_from_another():
    clock = Clock()
    counter = SharedCounter()
    meter = CallMeter(counter, clock)
    assert [admitted(meter, 2) for _ in range(3)] == [1, 1, 0]
    assert admitted(meter, 2, tenant="other") == 1
    clock.time += 0.999
    assert admitted(meter, 2) == 0
    clock.time += 0.001
    assert admitted(meter, 2) == 1
    assert counter.told[-1] == ("t", 1001, 1)


def test_the_refusal_says_the_limit_and_when_to_come_back():
    with pytest.raises(TooManyCalls) as caught:
        CallMeter(SharedCounter(), Clock()).admit("t", 0)
    assert caught.value.details == {"limit": "calls_per_second", "allowed": 0, "retry_after": 1}


def test_without_its_counter_an_environment_holds_the_limit_by_itself():
    meter = CallMeter(Unreachable(), Clock())
    assert sum(admitted(meter, 100) for _ in range(200)) == 100
