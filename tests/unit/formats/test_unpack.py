from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.errors import ArchiveTooLarge, ImportRefused, TruncatedModel, UnsafeArchive
from aimass.formats import unpack as unpacking
from aimass.formats.recognise import recognise
from aimass.formats.unpack import unpack

MIB = 1 << 20
Members = dict[str, bytes]


def make_tar(path: Path, members: Members, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def make_zip(path: Path, members: Members) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tar_of(path: Path, *infos: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as archive:
        for info in infos:
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def unpacked(archive: Path, max_bytes: int = MIB) -> list[str]:
    return unpack(archive, recognise(archive), archive.parent / "out", max_bytes)


both = pytest.mark.parametrize("make", [make_tar, make_zip])
Make = Callable[[Path, Members], Path]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_of_any_compression_is_unpacked(tmp_path: Path, mode: str) -> None:
    archive = make_tar(tmp_path / "archive", {"./model/model.onnx": b"graph", "model/w.bin": b"weights"}, mode)
    assert unpacked(archive) == ["model/model.onnx", "model/w.bin"]
    assert (tmp_path / "out/model/w.bin").read_bytes() == b"weights"


def test_a_zip_made_on_windows_is_unpacked(tmp_path: Path) -> None:
    assert unpacked(make_zip(tmp_path / "archive", {"model\\w.bin": b"weights", "größe.bin": b""})) == [
        "model/w.bin",
        "größe.bin",
    ]


@both
def test_what_a_mac_adds_is_left_out(tmp_path: Path, make: Make) -> None:
    members = {"m/model.onnx": b"graph", "__MACOSX/m/._model.onnx": b"x", "m/.DS_Store": b"x", "m/._w.bin": b"x"}
    assert unpacked(make(tmp_path / "archive", members)) == ["m/model.onnx"]


@both
@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/etc/evil", "C:\\evil", "a\\..\\..\\evil", "bell\x07", "x" * 256, "/".join("d" * 40)],
)
def test_a_name_that_escapes_or_is_odd_is_refused_by_name(tmp_path: Path, make: Make, name: str) -> None:
    with pytest.raises(UnsafeArchive) as caught:
        unpacked(make(tmp_path / "archive", {"fine": b"", name: b"evil"}))
    assert caught.value.details["member"]
    assert not (tmp_path / "evil").exists()


@both
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("x" * 201, "has a name longer than 200 bytes"),
        ("d/" + "ü" * 101 + "/w.bin", "has a name longer than 200 bytes"),
        ("/".join(["d" * 200] * 6), "is a path longer than 1024 bytes"),
        ("/".join("d" * 40), "is nested deeper than 32 folders"),
    ],
)
def test_a_name_too_long_to_store_says_so(tmp_path: Path, make: Make, name: str, what: str) -> None:
    with pytest.raises(UnsafeArchive, match=what):
        unpacked(make(tmp_path / "archive", {name: b"weights"}))


@both
def test_a_name_of_200_bytes_is_unpacked(tmp_path: Path, make: Make) -> None:
    name = "d/" + "x" * 200
    assert unpacked(make(tmp_path / "archive", {name: b"weights"})) == [name]


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchive, match="not UTF-8"):
        unpacked(tar_of(tmp_path / "archive", tarfile.TarInfo("bad\udcff")))


@pytest.mark.parametrize(
    "member",
    [
        special("link", tarfile.SYMTYPE, "/etc/passwd"),
        special("link", tarfile.SYMTYPE, "model.onnx"),
        special("link", tarfile.LNKTYPE, "model.onnx"),
        special("link", tarfile.FIFOTYPE),
        special("link", tarfile.CHRTYPE),
        special("link", tarfile.BLKTYPE),
    ],
)
def test_links_and_devices_are_refused_by_name(tmp_path: Path, member: tarfile.TarInfo) -> None:
    with pytest.raises(UnsafeArchive, match=r"^link is a (link|special file)$"):
        unpacked(tar_of(tmp_path / "archive", tarfile.TarInfo("model.onnx"), member))


def test_a_link_in_a_zip_is_refused_by_name(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("weights.bin")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeArchive, match=r"^weights\.bin is a link$"):
        unpacked(tmp_path / "archive")


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    content = bytearray(make_zip(tmp_path / "archive", {"model.onnx": b"graph"}).read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(UnsafeArchive, match=r"^model\.onnx is encrypted$"):
        unpacked(tmp_path / "archive")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("first", "second"), [("a.bin", "a.bin"), ("a.bin", "A.BIN"), ("a", "a/b"), ("a/b", "a")])
def test_two_files_of_one_name_are_refused(tmp_path: Path, first: str, second: str) -> None:
    infos = tarfile.TarInfo(first), tarfile.TarInfo(second)
    with pytest.raises(UnsafeArchive, match="twice"):
        unpacked(tar_of(tmp_path / "archive", *infos))


@both
def test_a_bomb_is_refused_before_it_is_written(tmp_path: Path, make: Make) -> None:
    with pytest.raises(ArchiveTooLarge, match=r"more than 1048576 bytes \(at bomb\)") as caught:
        unpacked(make(tmp_path / "archive", {"bomb": bytes(50 * MIB)}))
    assert caught.value.details == {"limit": MIB, "member": "bomb"}
    assert not (tmp_path / "out/bomb").exists()


@both
def test_many_small_files_count_together(tmp_path: Path, make: Make) -> None:
    with pytest.raises(ArchiveTooLarge, match="at file7"):
        unpacked(make(tmp_path / "archive", {f"file{number}": bytes(MIB // 7) for number in range(10)}))


def test_a_zip_that_announces_less_than_it_holds_is_stopped(tmp_path: Path) -> None:
    content = make_zip(tmp_path / "archive", {"bomb": bytes(5 * MIB)}).read_bytes()
    lie = (100).to_bytes(4, "little")
    (tmp_path / "archive").write_bytes(content.replace((5 * MIB).to_bytes(4, "little"), lie))
    with pytest.raises(ImportRefused):
        unpacked(tmp_path / "archive")
    assert sum(file.stat().st_size for file in tmp_path.glob("out/*")) <= MIB


@both
def test_too_many_files_are_refused(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_MEMBERS", 20)
    with pytest.raises(ArchiveTooLarge, match="more than 20 files"):
        unpacked(make(tmp_path / "archive", {f"file{number}": b"" for number in range(21)}))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_cut_short_is_refused(tmp_path: Path, mode: str) -> None:
    noise = bytes(number * number % 251 for number in range(100_000))
    content = make_tar(tmp_path / "archive", {"model.onnx": noise}, mode).read_bytes()
    (tmp_path / "archive").write_bytes(content[: len(content) // 2])
    with pytest.raises(TruncatedModel):
        unpacked(tmp_path / "archive")


def test_a_zip_cut_short_is_refused(tmp_path: Path) -> None:
    content = make_zip(tmp_path / "archive", {"model.onnx": bytes(10_000)}).read_bytes()
    (tmp_path / "archive").write_bytes(content[:-10])
    with pytest.raises(TruncatedModel):
        unpacked(tmp_path / "archive")


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    content = make_zip(tmp_path / "archive", {"model.onnx": bytes(10_000)}).read_bytes()
    (tmp_path / "archive").write_bytes(content.replace(content[45:50], b"\xff" * 5, 1))
    with pytest.raises(TruncatedModel):
        unpacked(tmp_path / "archive")


@given(st.sampled_from(["tar", "tar.gz", "tar.bz2", "tar.xz", "zip"]), st.binary(max_size=600))
def test_random_bytes_are_refused_and_never_crash_it(
    tmp_path_factory: pytest.TempPathFactory, kind: str, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("random")
    (folder / "archive").write_bytes(content)
    with suppress(ImportRefused):
        unpack(folder / "archive", kind, folder / "out", MIB)


def test_a_zip_file_whose_directory_would_fill_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    directory, path = 33 << 20, tmp_path / "many.zip"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04" + bytes(26))
        file.seek(30 + directory)
        file.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65534, 65534, directory, 30, 0))
    assert recognise(path) == "zip"
    with pytest.raises(ArchiveTooLarge, match="more than 10000 files"):
        unpack(path, "zip", tmp_path / "unpacked", 1 << 30)
