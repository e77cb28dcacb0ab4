import threading
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.adapters.aws.artifacts import CorruptArtifact, S3ArtifactStore
from aimass.adapters.aws.clients import client
from aimass.domain.clock import later, now
from aimass.domain.errors import ArtifactBusy
from aimass.domain.model import StoredFile


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


@given(st.text(max_size=60))
def test_any_name_arrives_as_it_is_and_can_add_nothing_to_the_header(path):
    disposition = parameters_of(path)[1]["response-content-disposition"]
    prefix, _, name = disposition.partition("filename*=UTF-8''")
    assert prefix == "attachment; "
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~%")
    expected = path.rpartition("/")[2] or "ab" * 32
    assert unquote(name) == expected.encode(errors="replace").decode()
