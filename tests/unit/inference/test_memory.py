import os

import pytest

from aimass.inference.memory import threads_for


@pytest.mark.parametrize(("megabytes", "threads"), [(128, 1), (1769, 1), (3538, 2), (6144, 3), (10240, 6)])
def test_a_function_has_one_thread_for_every_1769_mb(megabytes, threads, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert threads_for(megabytes) == threads


def test_no_more_threads_than_processors(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert threads_for(10240) == 2
