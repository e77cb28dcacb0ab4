import pytest
from ministack.services.s3 import _parse_range

from local.ministack_ranges import ranged

BODY = bytes(range(100))


def whole(bucket, key, headers, query=None):
    """As MiniStack answers a pinned version: whole, whatever the Range."""
    return 200, {"ETag": "e", "Content-Length": "100", "x-amz-checksum-crc32": "c"}, BODY


@pytest.mark.parametrize(
    ("span", "start", "end"),
    [("bytes=0-9", 0, 9), ("bytes=90-", 90, 99), ("bytes=-5", 95, 99), ("bytes=50-500", 50, 99)],
)
def test_a_pinned_version_answers_the_range_alone(span, start, end):
    status, headers, body = ranged(whole, _parse_range)("b", "k", {"range": span}, {"versionId": ["v"]})
    assert (status, body) == (206, BODY[start : end + 1])
    assert headers == {"ETag": "e", "Content-Length": str(len(body)), "Content-Range": f"bytes {start}-{end}/100"}


def test_without_a_range_nothing_changes():
    assert ranged(whole, _parse_range)("b", "k", {}) == whole("b", "k", {})


def test_an_error_keeps_its_answer():
    def missing(*_):
        return 404, {"Content-Type": "application/xml"}, b"<Error/>"

    assert ranged(missing, _parse_range)("b", "k", {"range": "bytes=0-1"}) == missing()
