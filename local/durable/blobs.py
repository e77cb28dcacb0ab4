"""Bodies of S3 objects as files that never change, each named once; an object is a list of pieces of them."""

from __future__ import annotations

import hashlib
import mmap
import os
import threading
import uuid
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.durable.journal import Journal, sync

CHUNK = 2**20


@dataclass(frozen=True)
class Piece:
    """`length` bytes of the file `name`, from `start`."""

    name: str
    start: int
    length: int


class Body:
    """What MiniStack holds instead of an object's bytes: it knows its length and gives parts of itself as bodies."""

    def __init__(self, folder: Path, pieces: Iterable[Piece]) -> None:
        self.pieces = tuple(piece for piece in pieces if piece.length)
        self._folder = folder

    def __len__(self) -> int:
        return sum(piece.length for piece in self.pieces)

    def __getitem__(self, part: slice) -> Body:
        first, last, _ = part.indices(len(self))
        return Body(self._folder, _cut(self.pieces, first, last))

    def __bytes__(self) -> bytes:
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """The files are open from the first chunk on, so that they may be removed meanwhile."""
        with ExitStack() as opening:
            opened = [(piece, opening.enter_context((self._folder / piece.name).open("rb"))) for piece in self.pieces]
            for piece, file in opened:
                file.seek(piece.start)
                left = piece.length
                while left:
                    chunk = file.read(min(CHUNK, left))
                    if not chunk:
                        raise OSError(f"{piece.name} is shorter than its record says")
                    left -= len(chunk)
                    yield chunk

    def described(self) -> list[list[Any]]:
        return [[piece.name, piece.start, piece.length] for piece in self.pieces]


def joined(bodies: Iterable[Body], folder: Path) -> Body:
    return Body(folder, (piece for body in bodies for piece in body.pieces))


def _cut(pieces: Iterable[Piece], first: int, last: int) -> Iterator[Piece]:
    offset = 0
    for piece in pieces:
        start, end = max(first - offset, 0), min(last - offset, piece.length)
        if start < end:
            yield Piece(piece.name, piece.start + start, end - start)
        offset += piece.length


class Received(mmap.mmap):
    """A request's body that was written to a file while it came in, as a buffer, with the digests taken meanwhile."""

    name: str
    md5: str
    crc32: int


class Spool:
    """Writes a body's chunks to a new file. Its calls are made one after the other, from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("xb")
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32 = 0

    def write(self, chunks: list[bytes]) -> None:
        for chunk in chunks:
            self._file.write(chunk)
            self._md5.update(chunk)
            self._crc32 = zlib.crc32(chunk, self._crc32)

    def finish(self) -> memoryview:
        """The whole, not empty, synced."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        with self._path.open("rb") as file:
            received = Received(file.fileno(), 0, access=mmap.ACCESS_READ)
        received.name, received.md5, received.crc32 = self._path.name, self._md5.hexdigest(), self._crc32
        return memoryview(received)

    def discard(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class Blobs:
    """The folder of the files, and which of them records name; one that no record names any more is removed."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._journal = journal
        self._lock = threading.Lock()
        self._named: dict[Any, set[str]] = {}
        self._uses: Counter[str] = Counter()

    def spool(self) -> Spool:
        return Spool(self.folder / uuid.uuid4().hex)

    def body(self, content: Any) -> Body:
        """Of bytes, which are written to a file now; of a spooled request; of a body itself."""
        if isinstance(content, Body):
            return content
        if isinstance(content, memoryview) and isinstance(content.obj, Received):
            self._journal.sync_first(self.folder / content.obj.name)
            return Body(self.folder, [Piece(content.obj.name, 0, len(content))])
        if not content:
            return Body(self.folder, [])
        path = self.folder / uuid.uuid4().hex
        path.write_bytes(content)
        self._journal.sync_first(path)
        return Body(self.folder, [Piece(path.name, 0, len(content))])

    def restored(self, described: list[list[Any]]) -> Body:
        return Body(self.folder, (Piece(*piece) for piece in described))

    def name(self, record: Any, bodies: Iterable[Body]) -> None:
        """These are the bodies that the record has from now on; none when it is gone."""
        names = {piece.name for body in bodies for piece in body.pieces}
        with self._lock:
            before = self._named.pop(record, set())
            if names:
                self._named[record] = names
            self._uses.update(names)
            self._uses.subtract(before)
            unused = [name for name in before if self._uses[name] <= 0]
        if unused:
            self._journal.afterwards(lambda: self._remove(unused))

    def forget_unnamed(self, name: str) -> None:
        """Of a request that was refused."""
        with self._lock:
            unnamed = name not in self._uses
        if unnamed:
            (self.folder / name).unlink(missing_ok=True)

    def remove_strangers(self) -> None:
        """Files that no record names: what was being received when the last process was killed."""
        sync(self.folder)
        self._remove([path.name for path in self.folder.iterdir()])

    def _remove(self, names: Iterable[str]) -> None:
        with self._lock:
            unused = [name for name in names if self._uses[name] <= 0]
            for name in unused:
                del self._uses[name]
        for name in unused:
            (self.folder / name).unlink(missing_ok=True)
