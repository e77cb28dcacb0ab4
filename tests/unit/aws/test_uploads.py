import io

import pytest

from aimass.domain.errors import UploadIncomplete, UploadNotFound
from aimass.domain.jobs import SourceFile
from aimass.domain.ports import ObjectMarks

KEY = "uploads/t/m/a.onnx"


def version_id(uploads, key=KEY):
    return uploads._client.head_object(Bucket="uploads", Key=key)["VersionId"]


def test_an_object_carries_the_job_that_our_api_made(uploads):
    uploads.put(KEY, io.BytesIO(b"x"), "job")
    assert uploads.marks_of(KEY, version_id(uploads)) == ObjectMarks("job")


def test_an_object_of_another_client_carries_none(uploads):
    uploads._client.put_object(Bucket="uploads", Key=KEY, Body=b"x")
    assert uploads.marks_of(KEY, version_id(uploads)) == ObjectMarks()


@pytest.mark.parametrize(("said", "accepts"), [("true", True), ("True", True), ("false", False), ("1", False)])
def test_any_client_can_say_that_a_model_may_drift(uploads, said, accepts):
    uploads._client.put_object(Bucket="uploads", Key=KEY, Body=b"x", Metadata={"accept-drift": said})
    assert uploads.marks_of(KEY, version_id(uploads)) == ObjectMarks(accept_drift=accepts)


def test_a_download_is_pinned_to_its_version_however_often_the_key_is_overwritten(uploads, tmp_path):
    uploads.put(KEY, io.BytesIO(b"first"), "job")
    pinned = SourceFile("a.onnx", KEY, version_id(uploads), 5)
    uploads.put(KEY, io.BytesIO(b"second"), "job2")
    digest = uploads.download(pinned, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert digest == "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"


def test_a_folder_lists_the_newest_version_of_each_file(uploads):
    for name, body in (("x.onnx", b"old"), ("x.onnx", b"newer"), ("deep/w.bin", b"w")):
        uploads.put(f"uploads/t/m/f/{name}", io.BytesIO(body), "job")
    assert {(file.path, file.size) for file in uploads.list_folder("uploads/t/m/f/")} == {
        ("x.onnx", 5),
        ("deep/w.bin", 1),
    }


def test_parts_are_listed_with_their_sizes_and_become_one_object(uploads):
    storage_id = uploads.start_multipart(KEY, "job")
    body = b"x" * (5 * 1024 * 1024)
    parts = [(1, body), (2, b"tail")]
    etags = [
        uploads._client.upload_part(Bucket="uploads", Key=KEY, UploadId=storage_id, PartNumber=n, Body=b)["ETag"]
        for n, b in parts
    ]
    assert {number: size for number, (_, size) in uploads.list_parts(KEY, storage_id).items()} == {1: len(body), 2: 4}
    uploads.complete_multipart(KEY, storage_id, [(1, etags[0]), (2, etags[1])])
    assert uploads.marks_of(KEY, version_id(uploads)) == ObjectMarks("job")


def test_a_part_that_never_arrived_cannot_be_completed(uploads):
    storage_id = uploads.start_multipart(KEY, "job")
    with pytest.raises(UploadIncomplete):
        uploads.complete_multipart(KEY, storage_id, [(1, '"nope"')])


def test_an_aborted_upload_is_gone(uploads):
    storage_id = uploads.start_multipart(KEY, "job")
    uploads.abort_multipart(KEY, storage_id)
    with pytest.raises(UploadNotFound):
        uploads.list_parts(KEY, storage_id)
    with pytest.raises(UploadNotFound):
        uploads.abort_multipart(KEY, storage_id)


def test_a_part_url_signs_the_length_that_it_takes(uploads):
    url = uploads.part_url(KEY, uploads.start_multipart(KEY, "job"), 1, 1234)
    assert "content-length" in url
    assert "X-Amz-Expires=3600" in url
