from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from aimass.inference.cache import BoundedCache, CacheCounts


def test_the_least_recently_used_value_gives_way():
    gone = []
    cache = BoundedCache(10, gone.append)
    for key in "ab":
        cache.get(key, 5, lambda key=key: key)
    cache.get("a", 5, lambda: "made again")
    cache.get("c", 5, lambda: "c")
    assert gone == ["b"]
    assert cache.get("a", 5, lambda: "made again") == "a"


def test_room_is_made_before_the_new_value_is():
    gone = []
    cache = BoundedCache(10, gone.append)
    cache.get("old", 8, lambda: "old")
    assert cache.get("new", 8, lambda: list(gone)) == ["old"]


def test_a_value_heavier_than_the_whole_cache_is_kept_alone():
    cache = BoundedCache(10)
    cache.get("small", 1, lambda: "small")
    assert cache.get("huge", 99, lambda: "huge") == "huge"
    assert len(cache) == 1
    assert cache.get("huge", 99, lambda: "made again") == "huge"


def test_many_who_ask_at_once_wait_for_one_making():
    made, started, finish = [], Event(), Event()
    cache = BoundedCache(10)

    def make():
        made.append(1)
        started.set()
        finish.wait(5)
        return "value"

    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(cache.get, "key", 1, make) for _ in range(8)]
        started.wait(5)
        finish.set()
        assert [one.result(5) for one in answers] == ["value"] * 8
    assert made == [1]


def test_a_making_that_fails_leaves_nothing_and_can_be_repeated():
    cache = BoundedCache(10)
    with pytest.raises(OSError, match="no"):
        cache.get("key", 1, lambda: (_ for _ in ()).throw(OSError("no")))
    assert cache.get("key", 1, lambda: "value") == "value"


def test_clear_disposes_of_all_and_counts_them():
    gone = []
    cache = BoundedCache(10, gone.append)
    cache.get("a", 1, lambda: "a")
    cache.get("b", 1, lambda: "b")
    assert cache.clear() == 2
    assert gone == ["a", "b"]
    assert cache.clear() == 0


def test_hits_misses_evictions_and_what_is_held_are_counted():
    cache = BoundedCache(10)
    for key, weight in (("a", 4), ("b", 4), ("a", 4), ("c", 4)):
        cache.get(key, weight, lambda: "value")
    assert cache.counts() == CacheCounts(hits=1, misses=3, evictions=1, entries=2, weight=8)
    cache.clear()
    assert cache.counts() == CacheCounts(hits=1, misses=3, evictions=3, entries=0, weight=0)


def test_a_making_that_fails_is_no_miss_of_a_value():
    cache = BoundedCache(10)
    with pytest.raises(OSError, match="no"):
        cache.get("key", 1, lambda: (_ for _ in ()).throw(OSError("no")))
    assert cache.counts() == CacheCounts(0, 0, 0, 0, 0)
