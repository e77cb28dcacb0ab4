import base64
import gzip
import json
import random
import zlib

import pytest

from aimass.domain.errors import InternalError, InvalidArguments, PayloadTooLarge
from aimass.protocols.http import (
    MAX_ANSWER_BYTES,
    MAX_BODY_BYTES,
    HttpResponse,
    check_size,
    coded,
    plain_body,
    proxy_answer,
    request_of,
)
from tests.unit.inference.plane import event

JSON = {"content-type": "application/json"}
BINARY = {"content-type": "application/octet-stream"}


def sent(coding, body):
    return request_of(event("POST", "/predict", body, {"Content-Encoding": coding}))


def test_a_text_body_and_a_base64_body_are_the_same():
    as_base64 = event("POST", "/predict", "é".encode())
    as_text = as_base64 | {"body": "é", "isBase64Encoded": False}
    assert request_of(as_base64).body == request_of(as_text).body == "é".encode()


def test_the_tenant_is_the_authorizers_and_header_names_are_in_lower_case():
    request = request_of(event("GET", "/v2", headers={"X-Thing": "a"}))
    assert (request.owner, request.request_id, request.headers) == ("acme", "request-1", {"x-thing": "a"})


def test_a_route_that_nobody_authorized_has_no_tenant():
    bare = event("GET", "/v2/health/live")
    del bare["requestContext"]["authorizer"]
    with pytest.raises(InternalError):
        _ = request_of(bare).owner


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
def test_a_coded_body_is_decoded(coding, pack):
    assert plain_body(sent(coding, pack(b"hello"))) == b"hello"


def test_every_member_of_a_gzip_body_is_read():
    long = random.Random(2).randbytes(200_000)
    assert (
        plain_body(sent("gzip", gzip.compress(b"a,b\n") + gzip.compress(long) + gzip.compress(b""))) == b"a,b\n" + long
    )
    halves = gzip.compress(bytes(MAX_BODY_BYTES // 2 + 1)) * 2
    with pytest.raises(PayloadTooLarge):
        plain_body(sent("gzip", halves))


def test_a_body_that_decompresses_beyond_the_limit_is_refused_before_it_does():
    bomb = gzip.compress(bytes(MAX_BODY_BYTES + 1))
    with pytest.raises(PayloadTooLarge):
        plain_body(sent("gzip", bomb))


@pytest.mark.parametrize(
    ("coding", "body", "what"),
    [
        ("gzip", b"no gzip", "cannot be read"),
        ("gzip", gzip.compress(b"hello", mtime=0)[:-4], "ends early"),
        ("gzip", gzip.compress(b"a", mtime=0) + gzip.compress(b"b", mtime=0)[:-4], "ends early"),
        ("gzip", gzip.compress(b"hello", mtime=0) + b"more", "ends at byte 25, and 4 bytes follow"),
        ("deflate", zlib.compress(b"a") + zlib.compress(b"b"), "bytes follow"),
        ("gzip", gzip.compress(b"", mtime=0) * 10_001, "more than 10000 gzip members"),
        ("gzip", b"", "ends early"),
        ("br", b"", "content-encoding 'br' is not taken"),
    ],
)
def test_a_body_that_cannot_be_decoded_is_refused(coding, body, what):
    with pytest.raises(InvalidArguments, match=what):
        plain_body(sent(coding, body))


def test_json_is_answered_as_text_and_anything_else_as_base64():
    text = proxy_answer(HttpResponse(200, b'{"a":1}', JSON))
    assert text == {"statusCode": 200, "headers": JSON, "body": '{"a":1}', "isBase64Encoded": False}
    binary = proxy_answer(HttpResponse(200, b"\xff", BINARY))
    assert (base64.b64decode(binary["body"]), binary["isBase64Encoded"]) == (b"\xff", True)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (bytes(4_650_001), BINARY),
        (b'"' + b"a" * 6_200_000 + b'"', JSON),
        (b"[" + b'"",' * 1_250_000 + b"0]", JSON),
        (json.dumps("é" * 1_100_000, ensure_ascii=False).encode(), JSON),
    ],
)
def test_an_answer_that_one_invocation_cannot_carry_is_refused_with_the_way_out(body, headers):
    with pytest.raises(PayloadTooLarge, match=r"fewer rows.*POST /api/v1/models/\{model\}/predictions"):
        check_size(HttpResponse(200, body, headers))


@pytest.mark.parametrize(("body", "headers"), [(bytes(4_600_000), BINARY), (b"1" * 6_100_000, JSON)])
def test_an_answer_just_below_passes(body, headers):
    check_size(HttpResponse(200, body, headers))


def asking(accepted):
    return request_of(event("GET", "/v2", headers={"Accept-Encoding": accepted}))


LONG = HttpResponse(200, b"[" + b"0.125," * 1000 + b"0]", JSON)


@pytest.mark.parametrize(
    "accepted",
    ["gzip", "GZIP", "x-gzip", "deflate, gzip;q=0.5", "gzip ; q=1.0, br", "*", "br, *;q=0.1", "gzip;q=0.001"],
)
def test_an_answer_is_gzip_where_that_is_asked_for(accepted):
    answer = coded(LONG, asking(accepted))
    assert gzip.decompress(answer.body) == LONG.body
    assert answer.headers == JSON | {"content-encoding": "gzip", "vary": "accept-encoding"}
    proxied = proxy_answer(answer)
    assert proxied["isBase64Encoded"]
    assert gzip.decompress(base64.b64decode(proxied["body"])) == LONG.body


@pytest.mark.parametrize(
    "accepted",
    ["", "identity", "br, deflate", "gzip;q=0", "gzip;q=0.0, *", "*;q=0", "gzip;q=x", "gzip;q=nan", "gzipped"],
)
def test_an_answer_is_plain_where_gzip_is_not_asked_for(accepted):
    assert coded(LONG, asking(accepted)) is LONG


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(200, b"1" * 1000, JSON),
        HttpResponse(200, random.Random(1).randbytes(5000), BINARY),
        HttpResponse(200, gzip.compress(b"1" * 50_000_000), JSON | {"content-encoding": "gzip"}),
    ],
)
def test_what_is_short_or_would_not_shrink_or_is_coded_stays_as_it_is(response):
    assert coded(response, asking("gzip")) is response


def test_the_lengths_of_a_binary_answers_json_stays_that_of_the_plain_one():
    response = HttpResponse(200, bytes(5000), BINARY | {"Inference-Header-Content-Length": "77"})
    assert coded(response, asking("gzip")).headers["Inference-Header-Content-Length"] == "77"


def test_what_travels_counts_for_the_limit():
    long = HttpResponse(200, b"[" + b"1," * MAX_ANSWER_BYTES + b"1]", JSON)
    with pytest.raises(PayloadTooLarge):
        check_size(long)
    check_size(coded(long, asking("gzip")))
