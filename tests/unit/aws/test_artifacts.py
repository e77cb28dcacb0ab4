import pytest

from aimass.adapters.aws.artifacts import CorruptArtifact


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
