import hashlib

import pytest

from aimass.adapters.aws.artifacts import CorruptArtifact
from aimass.adapters.aws.signed.artifacts import MOST_BYTES, SignedArtifacts
from aimass.domain.model import StoredFile
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
