import hashlib
import random
import threading
from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.adapters.aws.artifacts import CorruptArtifact, S3ArtifactStore
from aimass.adapters.aws.clients import client
from aimass.domain.clock import later, now
from aimass.domain.errors import ArtifactBusy
from aimass.domain.files import Packed, StoredFile


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_identical_files_of_one_tenant_share_one_artifact(artifacts, tmp_path):
    (tmp_path / "a").write_bytes(b"same")
    (tmp_path / "b").write_bytes(b"same")
    first = artifacts.put_file("t", "a.onnx", tmp_path / "a")
    second = artifacts.put_file("t", "b.onnx", tmp_path / "b")
    assert first.sha256 == second.sha256
    assert (first.path, second.path, first.size) == ("a.onnx", "b.onnx", 4)
    versions = artifacts._client.list_object_versions(Bucket="artifacts")["Versions"]
    assert [one["Key"] for one in versions] == [f"artifacts/t/sha256/{first.sha256}"]


def test_tenants_never_share_an_artifact(artifacts, tmp_path):
    (tmp_path / "a").write_bytes(b"same")
    for tenant in ("t", "u"):
        artifacts.put_file(tenant, "a", tmp_path / "a")
    listed = artifacts._client.list_objects_v2(Bucket="artifacts")["Contents"]
    assert {one["Key"].split("/")[1] for one in listed} == {"t", "u"}


def test_what_is_fetched_is_what_was_stored(artifacts, tmp_path):
    (tmp_path / "a").write_bytes(b"bytes")
    stored = artifacts.put_file("t", "a", tmp_path / "a")
    artifacts.fetch("t", stored, tmp_path / "deep" / "b")
    assert (tmp_path / "deep" / "b").read_bytes() == b"bytes"


def test_a_corrupt_artifact_is_refused_and_leaves_no_file(artifacts, tmp_path):
    (tmp_path / "a").write_bytes(b"bytes")
    stored = artifacts.put_file("t", "a", tmp_path / "a")
    artifacts._client.put_object(Bucket="artifacts", Key=f"artifacts/t/sha256/{stored.sha256}", Body=b"other")
    with pytest.raises(CorruptArtifact):
        artifacts.fetch("t", stored, tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def zeros(tmp_path, size=50_000):
    source = tmp_path / "zeros"
    source.write_bytes(bytes(size))
    return source


def object_of(artifacts, digest):
    return artifacts._client.get_object(Bucket="artifacts", Key=f"artifacts/t/sha256/{digest}")["Body"].read()


def test_a_file_that_packs_well_is_stored_packed_and_fetched_as_it_was(artifacts, tmp_path):
    stored = artifacts.put_packed("t", "weights/a.onnx", zeros(tmp_path))
    assert (stored.path, stored.size, stored.sha256) == ("weights/a.onnx", 50_000, sha256(bytes(50_000)))
    frame = object_of(artifacts, stored.artifact)
    assert (len(frame), sha256(frame)) == (stored.stored_size, stored.artifact)
    assert len(frame) < 1000
    artifacts.fetch("t", stored, tmp_path / "deep" / "b")
    assert (tmp_path / "deep" / "b").read_bytes() == bytes(50_000)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["b"]
    assert len(artifacts._client.list_objects_v2(Bucket="artifacts")["Contents"]) == 1


def test_one_that_does_not_is_stored_as_it_is(artifacts, tmp_path):
    (tmp_path / "noise").write_bytes(random.Random(0).randbytes(50_000))
    stored = artifacts.put_packed("t", "noise", tmp_path / "noise")
    assert stored == artifacts.put_file("t", "noise", tmp_path / "noise")
    assert stored.packed is None
    assert object_of(artifacts, stored.sha256) == (tmp_path / "noise").read_bytes()


def test_a_packed_file_is_known_to_be_wanted_by_the_digest_of_its_packed_bytes(artifacts, index, tmp_path):
    before = now()
    stored = artifacts.put_packed("t", "a", zeros(tmp_path))
    assert not index.mark_deleting("t", stored.artifact, before)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size": 49_999}, "more than 49,999 bytes"),
        ({"sha256": "ab" * 32}, "has digest"),
        ({"packed": Packed("cd" * 32, 27)}, "has digest"),
    ],
)
def test_a_packed_file_that_is_not_what_was_said_of_it_is_refused_and_leaves_no_file(
    artifacts, tmp_path, changes, reason
):
    stored = artifacts.put_packed("t", "a", zeros(tmp_path))
    other = replace(stored, **changes)
    if other.artifact != stored.artifact:
        key = f"artifacts/t/sha256/{other.artifact}"
        artifacts._client.put_object(Bucket="artifacts", Key=key, Body=object_of(artifacts, stored.artifact))
    with pytest.raises(CorruptArtifact, match=reason):
        artifacts.fetch("t", other, tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["zeros"]


def test_storing_a_file_anew_notes_that_it_is_wanted_even_where_it_is_already(artifacts, index, tmp_path):
    (tmp_path / "a").write_bytes(b"same")
    stored = artifacts.put_file("t", "a", tmp_path / "a")
    before = now()
    artifacts.put_file("t", "a", tmp_path / "a")
    assert not index.mark_deleting("t", stored.sha256, before)


def test_storing_waits_for_the_sweep_that_deletes_the_same_bytes(artifacts, index, tmp_path):
    (tmp_path / "a").write_bytes(b"same")
    stored = artifacts.put_file("t", "a", tmp_path / "a")
    key = {"Bucket": "artifacts", "Key": f"artifacts/t/sha256/{stored.sha256}"}
    assert index.mark_deleting("t", stored.sha256, later(now(), days=1))

    def sweep():
        artifacts._client.delete_object(**key)
        index.forget("t", stored.sha256)

    sweeping = threading.Timer(0.3, sweep)
    sweeping.start()
    artifacts.put_file("t", "a", tmp_path / "a")
    sweeping.join()
    assert artifacts._client.get_object(**key)["Body"].read() == b"same"


def test_storing_does_not_wait_for_ever(artifacts, index, tmp_path):
    (tmp_path / "a").write_bytes(b"same")
    stored = artifacts.put_file("t", "a", tmp_path / "a")
    index.mark_deleting("t", stored.sha256, later(now(), days=1))
    impatient = S3ArtifactStore(artifacts._client, "artifacts", index, busy_seconds=0)
    with pytest.raises(ArtifactBusy, match="try again"):
        impatient.put_file("t", "a", tmp_path / "a")


def parameters_of(path):
    store = S3ArtifactStore(client("s3"), "artifacts", None)
    url = store.download_url("t", StoredFile(path, "ab" * 32, 1), 900)
    return urlsplit(url), {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_a_download_url_is_signed_for_one_artifact_and_a_time(artifacts, tmp_path):
    url, parameters = parameters_of("weights/model.onnx")
    assert url.path.endswith(f"/artifacts/t/sha256/{'ab' * 32}")
    assert parameters["X-Amz-Expires"] == "900"
    assert parameters["response-content-type"] == "application/octet-stream"
    assert parameters["response-content-disposition"] == "attachment; filename*=UTF-8''model.onnx"


def test_a_packed_file_is_downloaded_as_it_is_stored_and_its_name_says_so(artifacts):
    file = StoredFile("weights/model.onnx", "ab" * 32, 100, packed=Packed("cd" * 32, 10))
    url = urlsplit(artifacts.download_url("t", file, 900))
    assert url.path.endswith(f"/artifacts/t/sha256/{'cd' * 32}")
    told = parse_qs(url.query)["response-content-disposition"]
    assert told == ["attachment; filename*=UTF-8''model.onnx.zst"]


@given(st.text(max_size=60))
def test_any_name_arrives_as_it_is_and_can_add_nothing_to_the_header(path):
    disposition = parameters_of(path)[1]["response-content-disposition"]
    prefix, _, name = disposition.partition("filename*=UTF-8''")
    assert prefix == "attachment; "
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~%")
    expected = path.rpartition("/")[2] or "ab" * 32
    assert unquote(name) == expected.encode(errors="replace").decode()
