"""Unpacks an archive that nobody vouches for: plain files, inside one folder, within limits, or not at all."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from aimass.domain.errors import ArchiveTooLarge, TruncatedModel, UnsafeArchive
from aimass.formats.content import mapped
from aimass.formats.member import is_clutter, shown, split_name
from aimass.formats.zipped import DirectoryTooLarge, ZipContent

MAX_MEMBERS = 10_000
_CHUNK = 1 << 20


def unpack(archive: Path, kind: str, target: Path, max_bytes: int) -> list[str]:
    """Writes the files of `archive` (`kind` as `recognise` names it) under `target`, which must not exist, and returns
    their paths.

    Nothing is written for what macOS adds. Raises UnsafeArchive naming the member that is a link or a device, leaves
    the folder, collides with another or is encrypted; ArchiveTooLarge beyond `max_bytes` in all or MAX_MEMBERS;
    TruncatedModel for a damaged archive.
    """
    unpacked = _Unpacked(target, max_bytes)
    target.mkdir()
    with _damage_named():
        if kind == "zip":
            _unpack_zip(archive, unpacked)
        else:
            _unpack_tar(archive, unpacked)
    return unpacked.files


@dataclass
class _Unpacked:
    """What has been written so far, with everything that forbids a next file."""

    target: Path
    max_bytes: int
    files: list[str] = field(default_factory=list)
    size: int = 0
    members: int = 0
    _taken: dict[str, str] = field(default_factory=dict)

    def count(self, name: str, size: int) -> None:
        """Counts a member before anything of it is read, by the size that it announces."""
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise ArchiveTooLarge(f"the archive holds more than {MAX_MEMBERS} files", limit=MAX_MEMBERS)
        if self.size + size > self.max_bytes:
            raise self._too_large(name)

    def add(self, name: str, source: IO[bytes] | None, announced: int | None) -> None:
        """Writes one file."""
        parts = split_name(name)
        if source is None or is_clutter(parts):
            return
        path = "/".join(parts)
        self._take(parts, name)
        file = self.target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        written = self._copy(source, file, name)
        if announced is not None and written != announced:
            raise TruncatedModel(f"the archive is cut short within {shown(name)}", member=shown(name))
        self.files.append(path)

    def _take(self, parts: list[str], name: str) -> None:
        """Refuses a second file of a name, also where only upper and lower case differ, and a file that is a folder."""
        keys = ["/".join(parts[:depth]).casefold() for depth in range(1, len(parts) + 1)]
        if keys[-1] in self._taken or any(self._taken.get(key) == "file" for key in keys):
            raise UnsafeArchive(f"the archive holds {shown(name)} twice", member=shown(name))
        self._taken |= dict.fromkeys(keys[:-1], "folder") | {keys[-1]: "file"}

    def _copy(self, source: IO[bytes], file: Path, name: str) -> int:
        written = 0
        with file.open("xb") as target:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                self.size += len(chunk)
                if self.size > self.max_bytes:
                    raise self._too_large(name)
                target.write(chunk)
        return written

    def _too_large(self, name: str) -> ArchiveTooLarge:
        return ArchiveTooLarge(
            f"the archive unpacks to more than {self.max_bytes} bytes (at {shown(name)})",
            limit=self.max_bytes,
            member=shown(name),
        )


def _unpack_tar(archive: Path, unpacked: _Unpacked) -> None:
    with tarfile.open(archive, "r:*") as tar:
        for member in tar:
            unpacked.count(member.name, member.size)
            split_name(member.name)
            if not (member.isreg() or member.isdir()):
                kind = "a link" if member.islnk() or member.issym() else "a special file"
                raise UnsafeArchive(f"{shown(member.name)} is {kind}", member=shown(member.name))
            announced = None if member.issparse() else member.size
            unpacked.add(member.name, tar.extractfile(member), announced)


def _unpack_zip(archive: Path, unpacked: _Unpacked) -> None:
    with mapped(archive) as content, zipfile.ZipFile(ZipContent(content)) as zipped:
        for member in zipped.infolist():
            unpacked.count(member.filename, member.file_size)
            split_name(member.filename)
            _check_zip_member(member)
            if member.is_dir():
                continue
            with zipped.open(member) as source:
                unpacked.add(member.filename, source, member.file_size)


def _check_zip_member(member: zipfile.ZipInfo) -> None:
    name = shown(member.filename)
    if member.flag_bits & 0x1:
        raise UnsafeArchive(f"{name} is encrypted", member=name)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise UnsafeArchive(f"{name} is {'a link' if kind == stat.S_IFLNK else 'a special file'}", member=name)


@contextmanager
def _damage_named() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise TruncatedModel(f"the archive is cut short or damaged: {error}") from None
    except DirectoryTooLarge:
        raise ArchiveTooLarge(f"the archive holds more than {MAX_MEMBERS} files", limit=MAX_MEMBERS) from None
    except (NotImplementedError, RuntimeError, ValueError) as error:
        raise UnsafeArchive(f"the archive cannot be read: {error}") from None
