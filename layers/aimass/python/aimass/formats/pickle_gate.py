"""The gate before a pickle is opened: everything that it names is on a list, and a known scanner finds nothing."""

from __future__ import annotations

import io
import logging
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import IO

from aimass.domain.errors import ImportRefused, TruncatedModel, UnsafePickle
from aimass.formats.member import shown
from aimass.formats.pickle_allowed import TREES, Allowed
from aimass.formats.pickle_play import Play, Source, refused
from aimass.formats.pickle_stream import DAMAGE, opened

_MOST_BYTES = 4 << 30  # of a pickle, opened
_MOST_SCANNED = 32 << 20  # picklescan keeps every step of a pickle in memory
_DEEPEST = 3  # zip files within each other
_ZIP = b"PK\x03\x04"
_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".ckpt")


def scan(path: Path, allowed: Allowed = TREES, *, streams: int = 1, trailer: bool = False) -> str:
    """`check`, then picklescan. Returns the verdict as one line. Raises as `check` does."""
    checked = check(path, allowed, streams=streams, trailer=trailer)
    with _file_named(path):
        scanner = _scanned(path, checked)
    packages = ", ".join(sorted({name.split(":")[0].split(".")[0] for name in checked.names})) or "nothing"
    return f"{checked.pickles} pickle(s) that name only what models need, of {packages}; {scanner}"


@dataclass
class Checked:
    """What was looked at, `size` bytes of pickles. `names` are globals as `module:name`."""

    allowed: Allowed
    pickles: int = 0
    size: int = 0
    names: set[str] = field(default_factory=set)


def check(path: Path, allowed: Allowed = TREES, *, streams: int = 1, trailer: bool = False) -> Checked:
    """Plays a pickle through, in whatever it is compressed, or all pickles in a zip file, and opens none.

    `streams` is how many follow each other in a file, `trailer` whether other bytes may follow these. Raises
    UnsafePickle naming what it asks for and no model needs, TruncatedModel.
    """
    checked = Checked(allowed)
    with _file_named(path), _damage_named():
        if is_zip(path):
            with path.open("rb") as file:
                _play_zip(file, checked, _DEEPEST)
        else:
            with opened(path) as stream:
                _play(stream, checked, streams, trailer)
    return checked


def is_zip(path: Path) -> bool:
    """Whether the file begins as a zip file; bytes in front of one are no way around the gate."""
    with path.open("rb") as file:
        return file.read(len(_ZIP)) == _ZIP


def _play(stream: IO[bytes], checked: Checked, streams: int = 1, trailer: bool = False) -> None:
    source = Source(stream, _MOST_BYTES)
    for _ in range(streams):
        _play_one(source, checked)
        checked.pickles += 1
    checked.size += source.taken
    if not trailer and source.read(1):
        raise refused("is followed by more in its file")


def _play_one(source: Source, checked: Checked) -> None:
    try:
        Play(source, checked.allowed, checked.names).load()
    except (ImportRefused, MemoryError, *DAMAGE):
        raise
    except Exception as error:  # whatever an unpickler makes of bytes that are none
        raise refused(f"can't be read ({type(error).__name__})") from None


def _play_zip(file: IO[bytes], checked: Checked, deeper: int) -> None:
    if not deeper:
        raise refused("lies in zip files within each other")
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len({member.filename for member in members}) < len(members):
            raise refused("lies in a zip file that holds a name twice")
        for member in members:
            _play_member(archive, member, checked, deeper)


def _play_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, checked: Checked, deeper: int) -> None:
    """A pickle by its name, or by how it begins and ends; tensors are neither."""
    if member.flag_bits & 0x1 or member.file_size > _MOST_BYTES:
        raise refused(f"lies in a zip file whose {shown(member.filename)} can't be read")
    with archive.open(member) as stream:
        head = stream.read(len(_ZIP))
        stream.seek(0)
        if head == _ZIP:
            _play_zip(stream, checked, deeper - 1)
        elif member.filename.lower().endswith(_PICKLES) or _looks_pickled(stream, head):
            stream.seek(0)
            _play(stream, checked)


def _looks_pickled(stream: IO[bytes], head: bytes) -> bool:
    if len(head) < 2 or head[0] != 0x80 or not 2 <= head[1] <= 5:
        return False
    last = b""
    while chunk := stream.read(1 << 20):
        last = chunk[-1:]
    return last == b"."


def _scanned(path: Path, checked: Checked) -> str:
    """picklescan's opinion of all that is named, and its own look at the file, if that is not too large for it; in
    joblib's stream an array ends its look.
    """
    from picklescan.scanner import scan_file_path, scan_pickle_bytes

    logging.getLogger("picklescan").setLevel(logging.CRITICAL)
    listed = "".join(f"c{name.replace(':', chr(10))}\n0" for name in sorted(checked.names))
    result = scan_pickle_bytes(io.BytesIO(f"{listed}N.".encode()), "names")
    if small := checked.size <= _MOST_SCANNED:
        with opened(path) as stream:
            result.merge(scan_file_path(str(path)) if is_zip(path) else scan_pickle_bytes(stream, path.name))
    for found in result.globals:
        if found.safety.value == "dangerous":
            text = shown(f"{found.module}.{found.name}")
            raise refused(f"names {text}, which picklescan knows as dangerous", name=text)
    return f"picklescan {metadata.version('picklescan')} found nothing{'' if small else ' in their names'}"


@contextmanager
def _file_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (UnsafePickle, TruncatedModel) as error:
        name = shown(path.name)
        text = error.message.replace("the pickle", f"the pickle in {name}", 1)
        raise type(error)(text, **{"file": name} | error.details) from None


@contextmanager
def _damage_named() -> Iterator[None]:
    try:
        yield
    except (*DAMAGE, zipfile.BadZipFile) as error:
        raise TruncatedModel(f"the pickle is cut short or damaged ({type(error).__name__})") from None
    except (struct.error, NotImplementedError, ValueError, OSError) as error:
        raise refused(f"lies in a file that can't be read ({type(error).__name__})") from None
