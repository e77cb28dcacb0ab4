"""A cache that is bounded by weight, forgets the least recently used, and makes each value once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True)
class CacheCounts:
    """Since the process started; `weight` and `entries` are what is held now, `evictions` counts `clear` too."""

    hits: int
    misses: int
    evictions: int
    entries: int
    weight: int


class BoundedCache(Generic[K, V]):
    """Values of `max_weight` together; one that is heavier by itself is kept alone. Safe to share among threads."""

    def __init__(self, max_weight: int, dispose: Callable[[V], None] | None = None) -> None:
        self._max_weight = max_weight
        self._dispose = dispose
        self._values: OrderedDict[K, tuple[int, V]] = OrderedDict()
        self._making: dict[K, Lock] = {}
        self._lock = Lock()
        self._hits = self._misses = self._evictions = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K, weight: int, make: Callable[[], V]) -> V:
        """The value of `key`; where there is none, room is made and `make` called, once for all who ask meanwhile."""
        with self._lock:
            if key in self._values:
                return self._touch(key)
            making = self._making.setdefault(key, Lock())
        with making:
            try:
                return self._make(key, weight, make)
            finally:
                self._making.pop(key, None)

    def _make(self, key: K, weight: int, make: Callable[[], V]) -> V:
        with self._lock:
            if key in self._values:
                return self._touch(key)
        self._evict(weight)
        value = make()
        with self._lock:
            self._misses += 1
            self._values[key] = (weight, value)
        return value

    def counts(self) -> CacheCounts:
        """How it was used, and what it holds. A value that others wait for is one miss, and a hit for each of them."""
        with self._lock:
            weight = sum(one for one, _ in self._values.values())
            return CacheCounts(self._hits, self._misses, self._evictions, len(self._values), weight)

    def clear(self) -> int:
        """Forgets everything and says how many values there were."""
        return self._evict(self._max_weight + 1)

    def _touch(self, key: K) -> V:
        self._hits += 1
        self._values.move_to_end(key)
        return self._values[key][1]

    def _evict(self, weight: int) -> int:
        evicted: list[V] = []
        with self._lock:
            held = sum(one for one, _ in self._values.values())
            while self._values and held + weight > self._max_weight:
                _, (freed, value) = self._values.popitem(last=False)
                held -= freed
                evicted.append(value)
            self._evictions += len(evicted)
        for value in evicted:
            if self._dispose:
                self._dispose(value)
        return len(evicted)
