"""Compresses a model that is too large for functions: `python -m jobs.compress`.

It makes candidates, compares them, repairs those that are worth it and chooses: the steps of the state machine, each in
a child that has no network, no secret and one folder. This process has the order's URLs and opens no model. What a step
leaves goes to the workspace at once, so that another attempt, or another job over the same examples, goes on from
there. The environment is that of `jobs.convert`. It exits 0 when `chosen.json` lies in the workspace; 1 when a transfer
failed, which may be tried again; 2 when that would not help.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from aimass.compression.steps.files import (
    Files,
    candidate_files,
    choose_files,
    compress_files,
    evaluate_files,
    repair_files,
    wanted_files,
)
from aimass.domain.errors import AimassError, InternalError
from aimass.sandbox import compress as steps
from aimass.sandbox.compress import MIXED, Bench, Chosen, Tried
from aimass.sandbox.isolation import Isolation
from jobs.events import log
from jobs.job import Progress, childs_folder, run, strongest_isolation
from jobs.order import CompressionOrder, parse_compression
from jobs.presigned import Presigned
from jobs.workspace import Workspace

CHOOSE = "choose"
#: Shares of the job's time: what is kept for choosing, what a step may take, and what it is not begun without.
_CHOOSING, _LONGEST = 0.15, 0.25
_LEAST = {"compress": 0.02, "evaluate": 0.02, "repair": 0.1}


def main() -> int:
    """Runs the order and returns the exit status."""
    return run("compress", parse_compression, _compressed)


def _compressed(order: CompressionOrder, s3: Presigned, folder: Path) -> dict[str, Any]:
    """Leaves the reason, for who reads the job, where the work is given up for one that we can name."""
    try:
        return {"chosen": _chosen(order, s3, folder).chosen}
    except InternalError:
        raise
    except AimassError as error:
        if order.failed_url:
            told = {"code": error.code, "message": error.message}
            s3.write("the failure", order.failed_url, json.dumps(told).encode())
        raise


def _chosen(order: CompressionOrder, s3: Presigned, folder: Path) -> Chosen:
    within, isolation = childs_folder(folder), strongest_isolation()
    log("started", candidates=len(order.names), isolation=isolation.description)
    return _Compression(order, s3, within, isolation).run()


class _Compression:
    """One order, from what lies in its workspace to `chosen.json`."""

    def __init__(self, order: CompressionOrder, s3: Presigned, folder: Path, isolation: Isolation) -> None:
        self._order, self._isolation = order, isolation
        self._files = Workspace(order, s3, folder)
        self._progress = Progress({slug.partition(".")[2]: url for slug, url in order.progress.items()}, s3)
        self._until = time.monotonic() + order.limits.seconds

    def run(self) -> Chosen:
        """Raises ImportRefused for what ends the whole job: a candidate's fault ends the candidate."""
        names = self._order.names
        for name in names:
            if self._made(name):
                self._compared(name)
            self._files.drop(_models(name))
        for name in self._wanted(names):
            self._repaired(name)
            self._files.drop(_models(f"{name}{MIXED}"))
        return self._chosen(names)

    def _made(self, name: str) -> bool:
        """Whether there is a candidate to be compared."""
        return self._usable(name, self._done("compress", name, compress_files(name), steps.compress))

    def _compared(self, name: str) -> None:
        if self._usable(name, self._done("evaluate", name, evaluate_files(name), steps.evaluate)):
            self._tell("evaluated", name)

    def _wanted(self, names: Sequence[str]) -> Sequence[str]:
        self._files.fetch(wanted_files(names).told)
        return steps.wanted(self._bench(self._longest), names)

    def _repaired(self, name: str) -> None:
        made = f"{name}{MIXED}"
        tried = self._done("repair", name, repair_files(name), steps.repair)
        if tried:
            self._tell("rejected" if tried.reason else "evaluated", made)

    def _done(self, step: str, name: str, files: Files, take: Callable[[Bench, str], Tried]) -> Tried | None:
        """What is known after a step, which is taken where its result does not lie there; None for want of time."""
        self._files.fetch(files.told)
        if self._files.has(_last(files)) and (found := steps.look(self._bench(self._longest), step, name, kept=True)):
            log("found", step=step, candidate=name)
            return found
        if self._left < self._share(_LEAST[step]):
            log("no time", step=step, candidate=name, seconds=round(self._left))
            return None
        self._tell(step, name)
        self._files.fetch(files.fetched)
        began = time.monotonic()
        tried = take(self._bench(min(self._longest, self._left)), name)
        log("done", step=step, candidate=name, seconds=round(time.monotonic() - began, 1), reason=tried.reason)
        self._files.store(files.leaves)
        return tried

    def _usable(self, name: str, tried: Tried | None) -> bool:
        if tried and tried.reason is not None:
            self._tell("rejected", name)
        return tried is not None and tried.reason is None

    def _chosen(self, names: Sequence[str]) -> Chosen:
        self._files.fetch(choose_files(names, ()).told)
        asked = steps.asked_for(self._bench(self._longest), names)
        if asked.chosen:
            return asked.chosen
        self._tell(CHOOSE)
        files = choose_files(asked.names, asked.finalists)
        self._files.fetch(files.fetched)
        seconds = max(0.0, self._left) + self._share(_CHOOSING)
        chosen = steps.choose(self._bench(seconds), asked.names)
        self._files.store(files.leaves)
        return chosen

    def _bench(self, seconds: float) -> Bench:
        limits = self._order.limits
        self._files.shrink(limits.file_bytes // 2)
        return Bench(self._files.folder, replace(limits, seconds=seconds), self._order.attempt, self._isolation)

    @property
    def _left(self) -> float:
        """Seconds for all but choosing."""
        return self._until - self._share(_CHOOSING) - time.monotonic()

    @property
    def _longest(self) -> float:
        return self._share(_LONGEST)

    def _share(self, share: float) -> float:
        return share * self._order.limits.seconds

    def _tell(self, kind: str, name: str = "") -> None:
        self._progress.tell(f"{kind}.{name}" if name else kind)


def _models(name: str) -> list[str]:
    return [file for file in candidate_files(name) if not file.endswith(".json")]


def _last(files: Files) -> str:
    """The JSON that a step leaves last: all else is there when it is."""
    return files.leaves[-1]


if __name__ == "__main__":
    sys.exit(main())
