"""What this process has predicted: counts and times of each version, as Triton's statistics have them."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

_MOST_VERSIONS = 1000


@dataclass
class Duration:
    """How often something was done, and the nanoseconds that it took together."""

    count: int = 0
    ns: int = 0

    def add(self, seconds: float) -> None:
        """One more of it."""
        self.count += 1
        self.ns += round(seconds * 1e9)


@dataclass
class ModelStatistics:
    """Of one version. `inferences` counts rows, `executions` runs of the model; `load` is opening it where it was not
    open, `run` the runtime's part, `rest` checking, splitting and joining."""

    inferences: int = 0
    executions: int = 0
    last_ms: int = 0
    success: Duration = field(default_factory=Duration)
    fail: Duration = field(default_factory=Duration)
    load: Duration = field(default_factory=Duration)
    run: Duration = field(default_factory=Duration)
    rest: Duration = field(default_factory=Duration)


@dataclass(frozen=True)
class Done:
    """One call that ended well: rows, runs, and seconds in all, of opening and of running."""

    rows: int
    runs: int
    total: float
    load: float
    run: float


class Statistics:
    """Counts since the process started; of the versions that were used last. Safe to share among threads."""

    def __init__(self) -> None:
        self._versions: OrderedDict[tuple[str, str, int], ModelStatistics] = OrderedDict()
        self._lock = Lock()

    def of(self, tenant: str, model: str, number: int) -> ModelStatistics:
        """Of one version; all zero where it was not called here."""
        return self._versions.get((tenant, model, number)) or ModelStatistics()

    def of_tenant(self, tenant: str) -> dict[tuple[str, int], ModelStatistics]:
        """Of each model and version of a tenant that was called here, in order."""
        with self._lock:
            found = {(model, number): one for (owner, model, number), one in self._versions.items() if owner == tenant}
        return dict(sorted(found.items()))

    def succeeded(self, tenant: str, model: str, number: int, done: Done) -> None:
        """Counts a call that was answered."""
        with self._lock:
            counted = self._entry(tenant, model, number)
            counted.inferences += done.rows
            counted.executions += done.runs
            counted.last_ms = time.time_ns() // 1_000_000
            counted.success.add(done.total)
            counted.load.add(done.load)
            counted.run.add(done.run)
            counted.rest.add(max(0.0, done.total - done.load - done.run))

    def failed(self, tenant: str, model: str, number: int, seconds: float) -> None:
        """Counts a call that was not."""
        with self._lock:
            self._entry(tenant, model, number).fail.add(seconds)

    def _entry(self, tenant: str, model: str, number: int) -> ModelStatistics:
        key = (tenant, model, number)
        entry = self._versions.setdefault(key, ModelStatistics())
        self._versions.move_to_end(key)
        if len(self._versions) > _MOST_VERSIONS:
            self._versions.popitem(last=False)
        return entry
