"""What was acknowledged, on disk: records in SQLite, written before the answer that tells of them leaves."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOG = logging.getLogger(__name__)
SCHEMA = "CREATE TABLE IF NOT EXISTS records (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
PUT = "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
DELETE = "DELETE FROM records WHERE kind = ? AND key = ?"

Key = tuple[Any, ...]
Read = Callable[[], Any]
_touched: ContextVar[dict[Key, Read] | None] = ContextVar("touched", default=None)


@dataclass
class _Waiting:
    """What the next commit takes: the records' values as JSON (None: gone), and files to sync before them."""

    records: dict[tuple[str, str], str | None] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    after: list[Callable[[], None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.records or self.files or self.after)


class Journal:
    """One thread commits; whatever was handed over while it was busy is one transaction, and one sync.

    A record is a kind, a key of strings and a JSON value. It is written as it is at the end of the request that
    touched it, and what a request touched is written together. A commit that fails ends the process, as nothing can
    be acknowledged any more.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._changed = threading.Condition()
        self._waiting = _Waiting()
        self._handed_over = self._committed = 0
        self._callers: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._open().close()
        threading.Thread(target=self._run, name="journal", daemon=True).start()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Whatever is touched inside is one transaction, handed over on leaving, even by an exception."""
        touched: dict[Key, Read] = {}
        token = _touched.set(touched)
        try:
            yield
        finally:
            _touched.reset(token)
            with self._changed:  # so that what reading hands over is not taken before the records
                self.write({key: read() for key, read in touched.items()})

    def touch(self, key: Key, read: Read) -> None:
        """The record of that key has changed; `read` gives its value, None when it is gone."""
        touched = _touched.get()
        if touched is None:
            with self._changed:
                self.write({key: read()})
        else:
            touched[key] = read

    def write(self, records: Mapping[Key, Any]) -> None:
        if not records:
            return
        texts = {_address(key): None if value is None else json.dumps(value) for key, value in records.items()}
        with self._changed:
            self._waiting.records.update(texts)
            self._hand_over()

    def sync_first(self, file: Path) -> None:
        """The file is synced before any record that is handed over later."""
        with self._changed:
            self._waiting.files.append(file)

    def afterwards(self, act: Callable[[], None]) -> None:
        """Called from the journal's thread once everything handed over so far is on disk."""
        with self._changed:
            self._waiting.after.append(act)
            self._hand_over()

    def records(self, kind: str) -> Iterator[tuple[list[Any], Any]]:
        """Keys, without the kind, and values as they were committed."""
        connection = self._open()
        try:
            for key, value in connection.execute("SELECT key, value FROM records WHERE kind = ?", (kind,)):
                yield json.loads(key), json.loads(value)
        finally:
            connection.close()

    async def settled(self) -> None:
        """Returns when everything handed over so far is on disk."""
        with self._changed:
            if self._committed >= self._handed_over:
                return
            loop = asyncio.get_running_loop()
            told: asyncio.Future[None] = loop.create_future()
            self._callers.append((self._handed_over, loop, told))
        await told

    def wait(self) -> None:
        """As `settled`, for a thread."""
        with self._changed:
            wanted = self._handed_over
            self._changed.wait_for(lambda: self._committed >= wanted)

    def _hand_over(self) -> None:
        self._handed_over += 1
        self._changed.notify_all()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(SCHEMA)
        return connection

    def _run(self) -> None:
        try:
            connection = self._open()
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._committed < self._handed_over)
                    taken, self._waiting = self._waiting, _Waiting()
                    number = self._handed_over
                _commit(connection, taken)
                self._tell(number)
                for act in taken.after:
                    act()
        except BaseException:
            LOG.exception("the journal cannot be written; nothing can be acknowledged any more")
            os._exit(1)

    def _tell(self, number: int) -> None:
        with self._changed:
            self._committed = number
            told = [caller for caller in self._callers if caller[0] <= number]
            self._callers = [caller for caller in self._callers if caller[0] > number]
            self._changed.notify_all()
        for _, loop, future in told:
            loop.call_soon_threadsafe(_finish, future)


def records_in(path: Path, kind: str, key_part: str) -> Iterator[Any]:
    """The values of that kind whose key's JSON text holds `key_part`; from any process, while another one writes."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        chosen = connection.execute(
            "SELECT value FROM records WHERE kind = ? AND instr(key, ?) > 0", (kind, key_part)
        ).fetchall()
    finally:
        connection.close()
    return (json.loads(value) for (value,) in chosen)


def sync(path: Path) -> None:
    """The file's bytes, or the folder's names, are on disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _commit(connection: sqlite3.Connection, taken: _Waiting) -> None:
    for file in taken.files:
        if file.exists():  # one that was dropped meanwhile has no record either
            sync(file)
    for folder in {file.parent for file in taken.files}:
        sync(folder)
    if not taken.records:
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(PUT, [(*key, value) for key, value in taken.records.items() if value is not None])
    connection.executemany(DELETE, [key for key, value in taken.records.items() if value is None])
    connection.execute("COMMIT")


def _address(key: Key) -> tuple[str, str]:
    kind, *parts = key
    return kind, json.dumps(parts, ensure_ascii=False)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
