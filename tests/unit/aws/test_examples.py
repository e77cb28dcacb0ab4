"""Examples for compressions, in a bucket in process."""

from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from aimass.adapters.aws import examples as bounded
from aimass.adapters.aws.examples import S3ExampleFiles
from aimass.domain.errors import InvalidArguments, NotFound
from tests.unit.conftest import bucket


@pytest.fixture
def examples(aws):
    return S3ExampleFiles(bucket("uploads"), "uploads")


def put(examples, key, body=b"rows"):
    return examples._client.put_object(Bucket="uploads", Key=key, Body=body)["VersionId"]


def test_a_url_takes_one_file_of_the_size_that_was_announced(examples):
    url = urlsplit(examples.upload_url("t", "job", "my rows.csv", 7, 60))
    assert url.path.endswith("/data/t/job/my%20rows.csv")
    signed = parse_qs(url.query)
    assert signed["X-Amz-Expires"] == ["60"]
    assert "content-length" in signed["X-Amz-SignedHeaders"][0].split(";")


def test_a_folder_is_listed_as_it_is_now_and_no_other_with_it(examples):
    put(examples, "data/t/digits/a.csv", b"old")
    newest = put(examples, "data/t/digits/a.csv", b"newer")
    put(examples, "data/t/digits/cats/1.png")
    put(examples, "data/t/digits/", b"")
    put(examples, "data/t/digits/gone.csv")
    examples._client.delete_object(Bucket="uploads", Key="data/t/digits/gone.csv")
    put(examples, "data/t/digits2/b.csv")
    put(examples, "data/other/digits/c.csv")
    found = examples.list_folder("t", "digits", 10)
    assert [(file.path, file.size) for file in found] == [("a.csv", 5), ("cats/1.png", 4)]
    assert found[0].version_id == newest


def test_no_more_are_listed_than_were_asked_for(examples):
    for number in range(5):
        put(examples, f"data/t/many/{number}.png")
    assert [file.path for file in examples.list_folder("t", "many", 3)] == ["0.png", "1.png", "2.png"]


def test_a_folder_of_countless_old_versions_is_refused_after_some_pages(examples, monkeypatch):
    monkeypatch.setattr(bounded, "_MOST_PAGES", 1)
    entry = {"Key": "data/t/digits/a.csv", "VersionId": "v", "Size": 1, "IsLatest": False}
    pages = [{"Versions": [entry], "IsTruncated": truncated} for truncated in (True, False)]
    client = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: iter(pages)))
    with pytest.raises(InvalidArguments, match="old versions of them among these, lie under data/t/digits/"):
        S3ExampleFiles(client, "uploads").list_folder("t", "digits", 10)
    monkeypatch.setattr(bounded, "_MOST_PAGES", 2)
    assert S3ExampleFiles(client, "uploads").list_folder("t", "digits", 10) == []


def test_what_is_downloaded_is_what_was_listed_whatever_came_since(examples, tmp_path):
    put(examples, "data/t/digits/a.csv", b"first")
    [file] = examples.list_folder("t", "digits", 2)
    put(examples, "data/t/digits/a.csv", b"second")
    examples.download(file, tmp_path / "deep/a.csv")
    assert (tmp_path / "deep/a.csv").read_bytes() == b"first"


def test_what_has_expired_since_it_was_listed_is_not_found(examples, tmp_path):
    version = put(examples, "data/t/digits/a.csv")
    [file] = examples.list_folder("t", "digits", 2)
    examples._client.delete_object(Bucket="uploads", Key="data/t/digits/a.csv", VersionId=version)
    with pytest.raises(NotFound, match=r"a\.csv"):
        examples.download(file, tmp_path / "a.csv")
