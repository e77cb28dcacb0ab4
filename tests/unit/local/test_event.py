import base64

import pytest

from local.front.event import Call, authorizer_event, function_event
from local.http_server import Request


def call(target="/v1/models/a%3Ab", body=b"", method="POST", **headers):
    lines = [("host", "127.0.0.1:8080"), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return Call(Request(method, target, lines, body, "127.0.0.1", "HTTP/1.1"), "req-1", "api-1", "$default")


def event(a_call, parameters=None, authorized=None):
    return function_event(a_call, "ANY /v1/{proxy+}", parameters or {}, authorized)


def test_the_path_is_decoded_and_the_query_kept_raw():
    told = event(call("/v1/a%3Ab?x=1&y=%20a+b&x=2&empty="), {"proxy": "a:b"})
    assert told["version"] == "2.0"
    assert told["rawPath"] == told["requestContext"]["http"]["path"] == "/v1/a:b"
    assert told["rawQueryString"] == "x=1&y=%20a+b&x=2&empty="
    assert told["queryStringParameters"] == {"x": "1,2", "y": " a b", "empty": ""}
    assert told["pathParameters"] == {"proxy": "a:b"}


def test_what_is_absent_is_left_out():
    told = event(call(method="GET"))
    assert not {"queryStringParameters", "pathParameters", "cookies", "body"} & set(told)
    assert "authorizer" not in told["requestContext"]
    assert told["isBase64Encoded"] is False


def test_the_context_tells_who_called_and_how():
    context = event(call(user_agent="curl"), authorized={"tenant": "acme"})["requestContext"]
    assert context["http"]["method"] == "POST"
    assert context["http"]["protocol"] == "HTTP/1.1"
    assert context["http"]["sourceIp"] == "127.0.0.1"
    assert context["http"]["userAgent"] == "curl"
    assert (context["requestId"], context["routeKey"], context["stage"]) == ("req-1", "ANY /v1/{proxy+}", "$default")
    assert context["authorizer"] == {"lambda": {"tenant": "acme"}}
    assert context["timeEpoch"] > 1_700_000_000_000


def test_repeated_headers_are_joined_and_cookies_listed():
    lines = [("x-tag", "a"), ("x-tag", "b"), ("cookie", "one=1; two=2"), ("transfer-encoding", "chunked")]
    request = Request("POST", "/", [("host", "127.0.0.1:8080"), *lines], b"", "127.0.0.1", "HTTP/1.1")
    told = event(Call(request, "req-1", "api-1", "$default"))
    assert told["headers"]["x-tag"] == "a,b"
    assert told["cookies"] == ["one=1", "two=2"]
    assert not {"cookie", "te"} & set(told["headers"])
    assert told["headers"]["x-forwarded-for"] == "127.0.0.1"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "text/csv", "application/xml", "application/ld+json"],
)
def test_text_arrives_as_text(content_type):
    told = event(call(body='{"a": "ü"}'.encode(), content_type=content_type))
    assert (told["body"], told["isBase64Encoded"]) == ('{"a": "ü"}', False)
    assert told["headers"]["content-length"] == "11"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content_type": "application/octet-stream"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "application/jsonlines"},
        {"content_type": "application/json", "content_encoding": "gzip"},
    ],
)
def test_anything_else_arrives_as_base64(headers):
    told = event(call(body=b"\x1f\x8b text", **headers))
    assert told["isBase64Encoded"] is True
    assert base64.b64decode(told["body"]) == b"\x1f\x8b text"


def test_an_authorizer_sees_the_request_without_its_body():
    told = authorizer_event(call("/v1/a", body=b"{}"), "ANY /v1/{proxy+}", {"proxy": "a"}, ["Bearer k"])
    assert (told["type"], told["identitySource"]) == ("REQUEST", ["Bearer k"])
    assert told["routeArn"].endswith(":api-1/$default/POST/v1/a")
    assert "body" not in told
