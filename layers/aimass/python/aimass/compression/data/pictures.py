"""Pictures in folders named for their classes, in a zip or tar archive or as files: read in place, never unpacked."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aimass.compression.data.limits import Limits, wrong
from aimass.formats.content import mapped
from aimass.formats.member import is_clutter, shown, split_name
from aimass.formats.zipped import DirectoryTooLarge, ZipContent

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Album:
    """Pictures by path, sorted. `read` gives those of the paths asked for, in the archive's order."""

    file: str
    paths: Sequence[str]
    read: Callable[[Sequence[str]], Iterator[tuple[str, bytes]]]

    @property
    def classes(self) -> list[str] | None:
        """The class of each picture: its folder's name. None where all lie in one folder."""
        folders = [path.rpartition("/")[0] for path in self.paths]
        return [folder.rpartition("/")[2] for folder in folders] if len(set(folders)) > 1 else None


def album_of(path: Path, limits: Limits) -> Album:
    """The pictures of an archive (zip, or tar with any compression). Raises InvalidArguments, UnsafeArchive."""
    name = path.name
    with path.open("rb") as file:
        zipped = file.read(2) == b"PK"
    members = _zip_members if zipped else _tar_members
    found: dict[str, str] = {}
    for member, size, _ in members(path, None, limits):
        parts = split_name(member)
        if is_clutter(parts) or not parts[-1].lower().endswith(SUFFIXES):
            continue
        if size > limits.picture:
            raise wrong(name, f"{shown(member)} is {size} bytes; a picture has at most {limits.picture}")
        if found.setdefault("/".join(parts), member) != member:
            raise wrong(name, f"holds {shown(member)} twice")

    def read(paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        wanted = {found[one]: one for one in paths}
        for member, _, data in members(path, wanted.keys(), limits):
            if member in wanted:
                yield wanted.pop(member), data

    return Album(name, _some(name, sorted(found)), read)


def album_in(folder: Path, limits: Limits) -> Album:
    """The pictures of a folder and those below it."""
    paths = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink()
    )

    def read(paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        for path in paths:
            if (size := (folder / path).stat().st_size) > limits.picture:
                raise wrong(path, f"is {size} bytes; a picture has at most {limits.picture}")
            yield path, (folder / path).read_bytes()

    return Album("the data", _some("the data", paths), read)


def _some(file: str, paths: list[str]) -> list[str]:
    if not paths:
        raise wrong(file, f"holds no picture ({', '.join(SUFFIXES)}); put each class's pictures in a folder of its own")
    return paths


_Members = Iterator[tuple[str, int, bytes]]


def _zip_members(path: Path, wanted: object, limits: Limits) -> _Members:
    """Names and sizes, and what those that are `wanted` hold; None wants none."""
    with _damage_named(path.name), mapped(path) as content, zipfile.ZipFile(ZipContent(content)) as archive:
        if len(archive.infolist()) > limits.members:
            raise wrong(path.name, f"holds more than {limits.members} files")
        for member in archive.infolist():
            if member.is_dir():
                continue
            data = b""
            if _is_in(member.filename, wanted):
                with archive.open(member) as file:
                    data = file.read(limits.picture + 1)
            yield member.filename, member.file_size, data


def _tar_members(path: Path, wanted: object, limits: Limits) -> _Members:
    with _damage_named(path.name), tarfile.open(path, "r|*") as archive:
        for count, member in enumerate(archive, start=1):
            if count > limits.members:
                raise wrong(path.name, f"holds more than {limits.members} files")
            if not member.isreg():
                continue
            file = archive.extractfile(member) if _is_in(member.name, wanted) else None
            yield member.name, member.size, file.read(limits.picture + 1) if file else b""
            archive.members = []  # type: ignore[attr-defined]  # it would keep each


def _is_in(name: str, wanted: object) -> bool:
    return wanted is not None and name in wanted  # type: ignore[operator]


@contextmanager
def _damage_named(file: str) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        raise wrong(file, f"the archive is cut short or damaged: {str(error)[:200]}") from None
    except DirectoryTooLarge:
        raise wrong(file, "the archive holds too many files") from None
    except (NotImplementedError, RuntimeError, ValueError) as error:
        raise wrong(file, f"the archive cannot be read: {str(error)[:200]}") from None
