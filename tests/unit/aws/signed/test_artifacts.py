import hashlib

import pytest

from aimass.adapters.aws.artifacts import CorruptArtifact
from aimass.adapters.aws.signed.artifacts import MOST_BYTES, SignedArtifacts
from aimass.domain.files import Packed, StoredFile
from aimass.formats.packed import pack
from tests.unit.aws.signed.fakes import Service

FILE = StoredFile("model.onnx", hashlib.sha256(b"bytes").hexdigest(), 5)


def no_store():
    raise AssertionError("no other store is needed")


def test_a_small_file_is_fetched_in_one_call(tmp_path):
    service = Service((200, b"bytes"))
    SignedArtifacts(service.connection("s3"), "/bucket", no_store).fetch("acme", FILE, tmp_path / "deep/model.onnx")
    assert (tmp_path / "deep/model.onnx").read_bytes() == b"bytes"
    [asked] = service.asked
    assert (asked.method, asked.path) == ("GET", f"/bucket/artifacts/acme/sha256/{FILE.sha256}")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model.onnx"]


def packed(tmp_path, content, size=None):
    source, frame = tmp_path / "source", tmp_path / "frame"
    source.write_bytes(content)
    pack(source, frame)
    body = frame.read_bytes()
    source.unlink()
    frame.unlink()
    told = Packed(hashlib.sha256(body).hexdigest(), len(body))
    digest = hashlib.sha256(content).hexdigest()
    return StoredFile("model.onnx", digest, len(content) if size is None else size, packed=told), body


def test_a_packed_file_is_fetched_by_its_packed_bytes_and_unpacked(tmp_path):
    file, body = packed(tmp_path, b"abc" * 10_000)
    service = Service((200, body))
    SignedArtifacts(service.connection("s3"), "", no_store).fetch("acme", file, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == b"abc" * 10_000
    assert service.asked[0].path == f"/artifacts/acme/sha256/{file.artifact}"
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_it_is_the_packed_size_that_says_who_fetches(tmp_path):
    file, body = packed(tmp_path, bytes(MOST_BYTES + 1))
    service = Service((200, body))
    SignedArtifacts(service.connection("s3"), "", no_store).fetch("acme", file, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").stat().st_size == MOST_BYTES + 1


def test_a_frame_that_holds_more_than_the_file_is_refused_and_leaves_no_file(tmp_path):
    file, body = packed(tmp_path, bytes(5_000_000), size=1000)
    service = Service((200, body))
    with pytest.raises(CorruptArtifact, match="more than 1,000 bytes"):
        SignedArtifacts(service.connection("s3"), "", no_store).fetch("acme", file, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_other_bytes_than_were_asked_for_are_refused_and_leave_no_file(tmp_path):
    service = Service((200, b"other"))
    with pytest.raises(CorruptArtifact):
        SignedArtifacts(service.connection("s3"), "", no_store).fetch("acme", FILE, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_large_file_is_left_to_the_store_that_fetches_in_parts(tmp_path):
    class Store:
        def fetch(self, tenant, file, target):
            target.write_text(f"{tenant} {file.size}")

    large = StoredFile("model.onnx", "0" * 64, MOST_BYTES + 1)
    SignedArtifacts(Service().connection("s3"), "", Store).fetch("acme", large, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_text() == f"acme {MOST_BYTES + 1}"
