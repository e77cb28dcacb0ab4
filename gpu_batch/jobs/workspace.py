"""A compression's workspace as a job has it: a folder here, and presigned URLs of the same files in S3."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from aimass.domain.errors import ModelCrashed
from aimass.domain.leftovers import remove
from aimass.sandbox.convert import opened
from jobs.order import CompressionOrder
from jobs.presigned import Presigned, TransferFailed

_MOST_JSON = 16 << 20  # states read it
_Mark = tuple[int, int, int]


class Workspace:
    """Fetches what a step reads, and puts what it left, where either is not there yet.

    Children write into the folder, of which a stranger's model may be one: what they leave is not trusted to be files.
    """

    def __init__(self, order: CompressionOrder, s3: Presigned, folder: Path) -> None:
        self._order, self._s3, self.folder = order, s3, folder
        self._asked: set[str] = set()  # for what may be there, or not
        self._same: dict[str, _Mark] = {}  # as it is in S3

    def fetch(self, names: Iterable[str]) -> None:
        """Raises TransferFailed where what the order says to be there is not."""
        for name in names:
            if not self.has(name) and name not in self._asked:
                self._fetch(name)

    def has(self, name: str) -> bool:
        """Whether it is here."""
        return (self.folder / name).exists()

    def store(self, names: Iterable[str]) -> None:
        """What is new or changed since it was fetched or stored, in this order. Raises ModelCrashed for long JSON."""
        self.clean()
        for name in names:
            if self.has(name) and self._same.get(name) != _mark(self.folder / name):
                self._put(name)

    def drop(self, names: Iterable[str]) -> None:
        """Removes what lies in S3 too; it is fetched again when it is needed."""
        for name in names:
            if self.has(name) and self._same.get(name) == _mark(self.folder / name):
                (self.folder / name).unlink()
                self._asked.discard(name)

    def clean(self) -> None:
        """Removes whatever is no plain file and no folder, once no child is left: this process follows paths here."""
        for parent, folders, files in os.walk(self.folder):
            for name in (*folders, *files):
                path = Path(parent, name)
                facts = path.lstat()
                if not stat.S_ISDIR(facts.st_mode) and not (stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1):
                    path.unlink()

    def shrink(self, most: int) -> None:
        """Removes what steps keep for each other, where all files here take more than `most` bytes."""
        if _taken(self.folder) > most:
            remove(self.folder / "scratch")

    def _fetch(self, name: str) -> None:
        most, target = self._order.limits.file_bytes, self.folder / name
        if (url := self._order.files.get(name)) is not None:
            if not self._s3.fetch(name, url, target, most):
                raise TransferFailed(f"{name} is not there any more")
        elif (url := self._order.kept.get(name)) is not None:
            self._asked.add(name)
            if not self._s3.fetch(name, url, target, most):
                return
        else:
            return
        self._same[name] = _mark(target)

    def _put(self, name: str) -> None:
        path = self.folder / name
        with opened(path.parent, path.name) as (file, size):
            if name.endswith(".json") and size > _MOST_JSON:
                raise ModelCrashed(f"the step left {name} with more than {_MOST_JSON >> 20} MiB")
            self._s3.upload(name, self._order.outputs[name], file, size)
        self._same[name] = _mark(path)


def _mark(path: Path) -> _Mark:
    """Changes whenever a file is written anew."""
    facts = path.lstat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _taken(folder: Path) -> int:
    taken = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):
                taken += Path(parent, name).lstat().st_size
    return taken
