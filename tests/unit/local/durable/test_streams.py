import asyncio

import pytest
from ministack.services.s3 import _parse_range

from local.durable.blobs import Blobs
from local.durable.journal import Journal
from local.durable.streams import LARGE, is_large_object, served

BODY = bytes(range(100))


class Stream:
    def __init__(self, runner):
        self.runner = runner


@pytest.fixture
def blobs(tmp_path):
    return Blobs(tmp_path / "blobs", Journal(tmp_path / "j.db"))


def getting(blobs, content, status=200, headers=None):
    """MiniStack's reading of a pinned version: whole, whatever the Range."""
    body = blobs.body(content)

    def get_object(bucket, key, headers_, query=None):
        return status, headers or {"ETag": "e", "x-amz-checksum-crc32": "c"}, body

    return served(get_object, _parse_range, Stream)


@pytest.mark.parametrize(
    ("span", "start", "end"),
    [("bytes=0-9", 0, 9), ("bytes=90-", 90, 99), ("bytes=-5", 95, 99), ("bytes=50-500", 50, 99)],
)
def test_a_pinned_version_answers_the_range_alone(blobs, span, start, end):
    status, headers, body = getting(blobs, BODY)("b", "k", {"range": span}, {"versionId": ["v"]})
    assert (status, body) == (206, BODY[start : end + 1])
    assert headers == {"ETag": "e", "Content-Length": str(len(body)), "Content-Range": f"bytes {start}-{end}/100"}


def test_without_a_range_it_is_the_whole_with_its_checksum(blobs):
    status, headers, body = getting(blobs, BODY)("b", "k", {})
    assert (status, body) == (200, BODY)
    assert headers == {"ETag": "e", "x-amz-checksum-crc32": "c", "Content-Length": "100"}


def test_an_error_keeps_its_answer():
    def missing(*_):
        return 404, {"Content-Type": "application/xml"}, b"<Error/>"

    assert served(missing, _parse_range, Stream)("b", "k", {"range": "bytes=0-1"}) == missing()


def test_a_large_body_is_sent_in_chunks(blobs):
    content = bytes(range(256)) * (3 * LARGE // 256)
    _, headers, stream = getting(blobs, content)("b", "k", {})
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(stream.runner(send, None))
    assert b"".join(message["body"] for message in sent) == content
    assert max(len(message["body"]) for message in sent) <= LARGE
    assert [message["more_body"] for message in sent][-1] is False
    assert headers["Content-Length"] == str(len(content))


@pytest.mark.parametrize(
    ("method", "headers", "is_large"),
    [
        ("PUT", {"content-length": str(LARGE), "authorization": "Credential=k/20260101/r/s3/aws4_request"}, True),
        ("PUT", {"content-length": str(LARGE)}, True),  # a presigned URL
        ("PUT", {"content-length": str(LARGE - 1)}, False),
        ("PUT", {"content-length": str(LARGE), "authorization": "Credential=k/20260101/r/lambda/x"}, False),
        ("PUT", {"content-length": str(LARGE), "content-encoding": "aws-chunked"}, False),
        ("POST", {"content-length": str(LARGE)}, False),
        ("PUT", {"transfer-encoding": "chunked"}, False),
    ],
)
def test_large_objects_come_in_to_a_file(method, headers, is_large):
    assert is_large_object(method, headers) is is_large
