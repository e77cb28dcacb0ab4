"""Snapshots of the services that the journal doesn't cover: each is a folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.durable.journal import sync

States = dict[str, Callable[[], Any]]


class Snapshots:
    """`write_one` writes a service's state, by its name, into the folder given."""

    def __init__(self, folder: Path, write_one: Callable[[Path, str, Any], None]) -> None:
        self._folder = folder
        self._write_one = write_one

    def newest(self) -> Path:
        """The last snapshot that was finished, or an empty one."""
        number = max((int(path.name) for path in self._folder.glob("*") if path.name.isdecimal()), default=0)
        found = self._folder / str(number)
        found.mkdir(parents=True, exist_ok=True)
        return found

    def write(self, states: States) -> None:
        """A service that gives None, or whose state can't be written, keeps what the last snapshot has."""
        last = self.newest()
        new = self._folder / "unfinished"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for name, get_state in states.items():
            state = get_state()
            if state is not None:
                self._write_one(new, name, state)
        for kept in last.iterdir():
            if not (new / kept.name).exists():
                os.link(kept, new / kept.name)
        for file in new.iterdir():
            sync(file)
        sync(new)
        new.rename(self._folder / str(int(last.name) + 1))
        sync(self._folder)
        shutil.rmtree(last)
