import base64
import gzip
import json
import zlib

import pytest

from aimass.domain.errors import InternalError, InvalidArguments, PayloadTooLarge
from aimass.protocols.http import MAX_BODY_BYTES, HttpResponse, check_size, plain_body, proxy_answer, request_of
from tests.unit.inference.plane import event

JSON = {"content-type": "application/json"}
BINARY = {"content-type": "application/octet-stream"}


def coded(coding, body):
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
    assert plain_body(coded(coding, pack(b"hello"))) == b"hello"


def test_a_body_that_decompresses_beyond_the_limit_is_refused_before_it_does():
    bomb = gzip.compress(bytes(MAX_BODY_BYTES + 1))
    with pytest.raises(PayloadTooLarge):
        plain_body(coded("gzip", bomb))


@pytest.mark.parametrize(
    ("coding", "body", "what"),
    [
        ("gzip", b"no gzip", "cannot be read"),
        ("gzip", gzip.compress(b"hello")[:-4], "ends early"),
        ("br", b"", "content-encoding 'br' is not taken"),
    ],
)
def test_a_body_that_cannot_be_decoded_is_refused(coding, body, what):
    with pytest.raises(InvalidArguments, match=what):
        plain_body(coded(coding, body))


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
    with pytest.raises(PayloadTooLarge, match="fewer rows"):
        check_size(HttpResponse(200, body, headers))


@pytest.mark.parametrize(("body", "headers"), [(bytes(4_600_000), BINARY), (b"1" * 6_100_000, JSON)])
def test_an_answer_just_below_passes(body, headers):
    check_size(HttpResponse(200, body, headers))
