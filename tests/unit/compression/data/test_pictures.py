"""Pictures in class folders, read where they lie."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from aimass.compression.data.limits import Limits
from aimass.compression.data.pictures import Album, album_in, album_of
from aimass.domain.errors import InvalidArguments, UnsafeArchive

FILES = {"set/dog/1.png": b"d1", "set/cat/2.JPG": b"c2", "set/cat/1.png": b"c1", "set/notes.txt": b"", "._x.png": b""}


def _zip(folder: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(folder / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return folder / "data.zip"


def _tar(folder: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(folder / "data.tar.gz", "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return folder / "data.tar.gz"


def _folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "data" / name).write_bytes(data)
    return folder / "data"


def _album(folder: Path, form: str, files: dict[str, bytes]) -> Album:
    if form == "folder":
        return album_in(_folder(folder, files), Limits())
    return album_of((_zip if form == "zip" else _tar)(folder, files), Limits())


@pytest.mark.parametrize("form", ["zip", "tar", "folder"])
def test_classes_are_the_folders_whatever_the_archive(tmp_path: Path, form: str) -> None:
    files = dict(FILES) if form != "folder" else {name: data for name, data in FILES.items() if name[0] != "."}
    album = _album(tmp_path, form, files)
    assert list(album.paths) == ["set/cat/1.png", "set/cat/2.JPG", "set/dog/1.png"]
    assert album.classes == ["cat", "cat", "dog"]
    assert dict(album.read(["set/cat/2.JPG", "set/dog/1.png"])) == {"set/cat/2.JPG": b"c2", "set/dog/1.png": b"d1"}


@pytest.mark.parametrize("form", ["zip", "tar", "folder"])
def test_one_folder_has_no_classes(tmp_path: Path, form: str) -> None:
    assert _album(tmp_path, form, {"all/1.png": b"1", "all/2.png": b"2"}).classes is None


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, form: str) -> None:
    with pytest.raises(UnsafeArchive, match="leaves the archive's folder"):
        _album(tmp_path, form, {"a/1.png": b"1", "../b/2.png": b"2"})


def test_links_are_no_pictures(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "data.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("a/1.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(InvalidArguments, match="holds no picture"):
        album_of(tmp_path / "data.tar.gz", Limits())


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_limits_hold_before_anything_is_read(tmp_path: Path, form: str) -> None:
    path = (_zip if form == "zip" else _tar)(tmp_path, {"a/1.png": b"0" * 100, "b/2.png": b"1"})
    with pytest.raises(InvalidArguments, match=r"a/1.png is 100 bytes; a picture has at most 64"):
        album_of(path, Limits(picture=64))
    with pytest.raises(InvalidArguments, match="more than 1 files"):
        album_of(path, Limits(members=1))


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_a_cut_archive_is_named(tmp_path: Path, form: str) -> None:
    path = (_zip if form == "zip" else _tar)(tmp_path, {f"a/{at}.png": bytes([at]) * 99 for at in range(200)})
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InvalidArguments, match="the archive is cut short or damaged"):
        album_of(path, Limits())
