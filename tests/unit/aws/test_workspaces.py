"""Workspaces of compressions in a bucket."""

from datetime import timedelta
from pathlib import Path

import pytest

from aimass.adapters.aws import workspaces
from aimass.adapters.aws.workspaces import S3WorkspaceFiles

ONE, OTHER = "compressions/t/m/1/abc", "compressions/t/m/1/abcd"


@pytest.fixture
def files(uploads):
    return S3WorkspaceFiles(uploads._client, "uploads")


def leave(root: Path, **given: str) -> Path:
    for name, body in given.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
    return root


def test_what_is_stored_is_fetched_again_and_what_is_missing_is_left_out(files, tmp_path):
    leave(tmp_path / "left", planned_json="{}", candidates__int8__model_onnx="bytes")
    files.store(ONE, ["candidates/int8/model.onnx", "planned.json"], tmp_path / "left")
    assert files.names(ONE) == ["candidates/int8/model.onnx", "planned.json"]
    found = files.fetch(ONE, ["planned.json", "chosen.json", "candidates/int8/model.onnx"], tmp_path / "here")
    assert found == ["planned.json", "candidates/int8/model.onnx"]
    assert (tmp_path / "here/candidates/int8/model.onnx").read_text() == "bytes"
    assert not (tmp_path / "here/chosen.json").exists()


def test_a_workspace_is_none_of_one_whose_name_goes_on(files, tmp_path):
    files.store(OTHER, ["planned.json"], leave(tmp_path, planned_json="{}"))
    assert files.names(ONE) == []
    assert files.fetch(ONE, ["planned.json"], tmp_path / "here") == []


def test_what_is_stored_again_is_what_is_fetched(files, tmp_path):
    for body in ("1", "2"):
        files.store(ONE, ["planned.json"], leave(tmp_path / "left", planned_json=body))
    files.fetch(ONE, ["planned.json"], tmp_path / "here")
    assert (tmp_path / "here/planned.json").read_text() == "2"


def test_urls_are_of_one_file_for_one_use(files):
    assert f"/{ONE}/chosen.json" in files.get_url(ONE, "chosen.json", 60)
    assert files.get_url(ONE, "chosen.json", 60) != files.put_url(ONE, "chosen.json", 60)


def test_what_lies_there_long_begins_its_week_anew(files, uploads, tmp_path, monkeypatch):
    files.store(ONE, ["planned.json"], leave(tmp_path, planned_json="{}"))
    files.store(f"{ONE}/jobs/j", ["planned.json"], tmp_path)
    copied = []
    monkeypatch.setattr(files, "_client", Spy(uploads._client, copied))
    files.renew(ONE)
    assert copied == []
    monkeypatch.setattr(workspaces, "_OLD", -timedelta(days=1))
    files.renew(ONE)
    assert copied == [f"{ONE}/planned.json"]
    assert files.fetch(ONE, ["planned.json"], tmp_path / "back") == ["planned.json"]


class Spy:
    """A client that tells what it copies."""

    def __init__(self, client, copied):
        self._client, self._copied = client, copied

    def __getattr__(self, name):
        return getattr(self._client, name)

    def copy(self, source, bucket, key, **given):
        self._copied.append(key)
        return self._client.copy(source, bucket, key, **given)
