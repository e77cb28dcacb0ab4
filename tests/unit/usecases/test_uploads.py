from dataclasses import replace

import pytest

from aimass.domain.errors import (
    ArtifactBusy,
    Conflict,
    InvalidArguments,
    LimitExceeded,
    PayloadTooLarge,
    UploadIncomplete,
    UploadNotFound,
    VersionTaken,
)
from aimass.domain.jobs import Upload
from aimass.domain.tenants import Limits
from aimass.usecases.uploads import (
    MAX_UPLOAD_BYTES,
    PART_BYTES,
    Attachment,
    NewVersion,
    abort_upload,
    complete_upload,
    describe_upload,
    part_sizes,
    reserve,
    start_upload,
    upload_whole,
)

LIMITS = Limits(bytes=10**12, models=100, jobs=50)
NEW = NewVersion("m", "a.onnx", sha256="ab" * 32)


def start(registry, uploads, size):
    return start_upload(registry, uploads, "t", replace(NEW, size=size), LIMITS)


def send(uploads, job, number, body):
    return uploads._client.upload_part(
        Bucket="uploads", Key=job.upload.key, UploadId=job.upload.storage_id, PartNumber=number, Body=body
    )["ETag"]


def test_an_upload_says_what_has_arrived_and_where_the_rest_goes(registry, uploads):
    job = start(registry, uploads, PART_BYTES + 7)
    send(uploads, job, 2, b"seven b")
    first, second = describe_upload(registry, uploads, "t", job.id)["parts"]
    assert (first["part_number"], first["size"], first["received"]) == (1, PART_BYTES, False)
    assert first["url"].startswith("http")
    assert (second["size"], second["received"], "url" in second) == (7, True, False)


def test_completing_twice_is_the_same_as_once(registry, uploads):
    job = start(registry, uploads, 4)
    etag = send(uploads, job, 1, b"four")
    for _ in range(2):
        assert complete_upload(registry, uploads, "t", job.id, {1: etag}).id == job.id
    assert uploads._client.head_object(Bucket="uploads", Key="uploads/t/m/a.onnx")["Metadata"] == {"job-id": job.id}


@pytest.mark.parametrize(
    ("named", "body", "detail"),
    [
        ({1: "x"}, None, {"missing_parts": [1]}),
        ({1: "x"}, b"too long", {"parts_of_wrong_size": [1]}),
        ({1: "x", 5: "x"}, b"four", {"unknown_parts": [5]}),
        ({1: "x"}, b"four", {"parts_with_another_etag": [1]}),
    ],
)
def test_completing_what_is_not_whole_names_the_parts(registry, uploads, named, body, detail):
    job = start(registry, uploads, 4)
    if body:
        send(uploads, job, 1, body)
    with pytest.raises(UploadIncomplete) as caught:
        complete_upload(registry, uploads, "t", job.id, named)
    assert detail.items() <= caught.value.details.items()


def test_aborting_drops_the_parts_and_keeps_the_number_used(registry, uploads):
    job = start(registry, uploads, 4)
    for _ in range(2):
        abort_upload(registry, uploads, "t", job.id)
    assert registry.get_job("t", job.id).state == "cancelled"
    assert registry.get_version("t", "m", 1).state == "failed"
    assert reserve(registry, "t", NEW, LIMITS).version == 2


def test_an_aborted_upload_cannot_be_completed(registry, uploads):
    job = start(registry, uploads, 4)
    abort_upload(registry, uploads, "t", job.id)
    with pytest.raises(UploadNotFound, match="aborted"):
        complete_upload(registry, uploads, "t", job.id, {1: "x"})


def test_a_completed_upload_cannot_be_aborted_even_before_its_event_came(registry, uploads):
    job = start(registry, uploads, 4)
    complete_upload(registry, uploads, "t", job.id, {1: send(uploads, job, 1, b"four")})
    with pytest.raises(Conflict, match="complete"):
        abort_upload(registry, uploads, "t", job.id)
    assert registry.get_job("t", job.id).state == "waiting"
    parts = describe_upload(registry, uploads, "t", job.id)["parts"]
    assert parts == [{"part_number": 1, "size": 4, "received": True}]


@pytest.mark.parametrize("call", [describe_upload, lambda *names: complete_upload(*names, {1: "x"})])
def test_an_upload_whose_parts_expired_fails_instead_of_waiting_for_ever(registry, uploads, call):
    job = start(registry, uploads, 4)
    uploads.abort_multipart(job.upload.key, job.upload.storage_id)  # as the bucket's lifecycle does after a day
    with pytest.raises(UploadNotFound):
        call(registry, uploads, "t", job.id)
    assert registry.get_job("t", job.id).error.code == "upload_expired"
    assert registry.get_version("t", "m", 1).state == "failed"


def test_no_number_beyond_six_digits_is_reserved(registry):
    reserve(registry, "t", NewVersion("m", "a", number=999_999), LIMITS)
    with pytest.raises(Conflict, match="999999"):
        reserve(registry, "t", NEW, LIMITS)


def test_texts_that_a_record_cannot_hold_are_refused(registry):
    for new in (NewVersion("m", "a", label="x" * 257), NewVersion("m", "a", labels=("x" * 100,) * 2000)):
        with pytest.raises(InvalidArguments):
            reserve(registry, "t", new, LIMITS)


def test_a_whole_upload_cannot_be_addressed_as_one_in_parts(registry, uploads):
    job = upload_whole(registry, uploads, "t", NEW, LIMITS, b"x")
    for call in (describe_upload, abort_upload):
        with pytest.raises(UploadNotFound):
            call(registry, uploads, "t", job.id)
    with pytest.raises(UploadNotFound):
        describe_upload(registry, uploads, "t", "unknown")


def test_an_upload_of_another_tenant_is_not_found(registry, uploads):
    job = start(registry, uploads, 4)
    with pytest.raises(UploadNotFound):
        describe_upload(registry, uploads, "u", job.id)


def test_too_large_an_upload_is_refused_before_a_number_is_used(registry, uploads):
    with pytest.raises(PayloadTooLarge):
        start(registry, uploads, MAX_UPLOAD_BYTES + 1)
    assert registry.next_number("t", "m") == 1


def test_an_empty_file_is_refused_before_a_number_is_used(registry, uploads):
    with pytest.raises(InvalidArguments):
        upload_whole(registry, uploads, "t", NEW, LIMITS, b"")
    assert registry.next_number("t", "m") == 1


def kept(artifacts):
    return [one["Key"] for one in artifacts._client.list_objects_v2(Bucket="artifacts").get("Contents", [])]


def test_a_sample_is_kept_with_its_upload_under_the_digest_that_the_version_names(registry, uploads, artifacts):
    job = upload_whole(registry, uploads, "t", NEW, LIMITS, b"model", Attachment(artifacts, "s.json", b"[1]"))
    sample = registry.get_version("t", "m", job.version).sample
    assert kept(artifacts) == [f"artifacts/t/sha256/{sample.sha256}"]
    assert (sample.path, sample.size, job.reserved_bytes) == ("s.json", 3, 8)


@pytest.mark.parametrize("room", [Limits(bytes=7, models=9, jobs=9), Limits(bytes=99, models=9, jobs=0)])
def test_nothing_is_stored_of_an_upload_that_does_not_fit_its_tenants_limits(registry, uploads, artifacts, room):
    with pytest.raises(LimitExceeded):
        upload_whole(registry, uploads, "t", NEW, room, b"model", Attachment(artifacts, "s.json", b"[1]"))
    assert kept(artifacts) == []
    assert uploads.list_folder("uploads/t/") == []


def test_a_sample_whose_name_is_refused_uses_no_number_and_stores_nothing(registry, uploads, artifacts):
    with pytest.raises(InvalidArguments):
        upload_whole(registry, uploads, "t", NEW, LIMITS, b"model", Attachment(artifacts, "a/b", b"[1]"))
    assert registry.next_number("t", "m") == 1
    assert kept(artifacts) == []


def test_an_upload_whose_sample_cannot_be_stored_fails_and_gives_back_what_it_took(registry, uploads, artifacts):
    class Swept:
        def put_file(self, tenant, path, source):
            raise ArtifactBusy("being swept")

    with pytest.raises(ArtifactBusy):
        upload_whole(registry, uploads, "t", NEW, LIMITS, b"model", Attachment(Swept(), "s.json", b"[1]"))
    assert registry.get_version("t", "m", 1).state == "failed"
    assert registry.usage_of("t").bytes == 0
    assert uploads.list_folder("uploads/t/") == []


def test_an_explicit_number_that_is_taken_is_refused(registry):
    reserve(registry, "t", NewVersion("m", "a", number=2), LIMITS)
    with pytest.raises(VersionTaken):
        reserve(registry, "t", NewVersion("m", "a", number=2), LIMITS)


def test_when_others_take_the_next_number_the_one_after_is_reserved(registry, monkeypatch):
    reserve(registry, "t", NEW, LIMITS)
    answers = iter([1, 1, 2])
    real = registry.next_number
    monkeypatch.setattr(registry, "next_number", lambda *names: next(answers, None) or real(*names))
    assert reserve(registry, "t", NEW, LIMITS).version == 2


def test_endless_contention_ends_in_a_conflict(registry, monkeypatch):
    reserve(registry, "t", NEW, LIMITS)
    monkeypatch.setattr(registry, "next_number", lambda *names: 1)
    with pytest.raises(Conflict, match="try again"):
        reserve(registry, "t", NEW, LIMITS)


@pytest.mark.parametrize("filename", ["", "..", "a/b", "a\\b", "a\nb", "_COMPLETE", "x" * 201, "é" * 101])
def test_a_file_name_that_could_not_be_a_key_is_refused(registry, filename):
    with pytest.raises(InvalidArguments):
        reserve(registry, "t", NewVersion("m", filename), LIMITS)


@pytest.mark.parametrize("size", [1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 36 * PART_BYTES])
def test_part_sizes_add_up_to_the_file(size):
    sizes = part_sizes(Upload("k", "s", size, PART_BYTES))
    assert sum(sizes.values()) == size
    assert list(sizes) == list(range(1, len(sizes) + 1))
    assert all(part == PART_BYTES for part in list(sizes.values())[:-1])
