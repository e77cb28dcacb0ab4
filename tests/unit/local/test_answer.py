import json

import pytest

from local.front.answer import MalformedResult, function_answer, gateway_answer
from local.runtime.result import Result


def answer(result):
    return function_answer(Result(json.dumps(result).encode()))


def test_a_structured_result_sets_status_headers_and_cookies():
    given = answer(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "application/json", "X-Count": 3, "X-On": True},
            "cookies": ["a=1", "b=2"],
            "body": '{"ü": 1}',
        }
    )
    assert given.status == 201
    assert given.body == '{"ü": 1}'.encode()
    assert given.headers == [
        ("content-type", "application/json"),
        ("x-count", "3"),
        ("x-on", "true"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ]


def test_a_base64_body_is_decoded():
    assert answer({"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}).body == b"\x00\xff"


def test_a_bare_result_is_the_json_body():
    assert answer({"a": [1]}).body == b'{"a": [1]}'
    assert answer("hello").body == b"hello"
    assert (answer([1]).status, answer([1]).headers) == (200, [("content-type", "application/json")])


def test_without_a_content_type_it_is_text():
    assert answer({"statusCode": 204}).headers == [("content-type", "text/plain; charset=utf-8")]


def test_the_gateways_own_headers_stay_its_own():
    given = answer({"statusCode": 200, "headers": {"Content-Length": "7", "Transfer-Encoding": "chunked", "a": "b"}})
    assert [name for name, _ in given.headers] == ["a", "content-type"]


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "teapot"},
        {"statusCode": 99},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "=", "isBase64Encoded": True},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
        {"statusCode": 200, "headers": {"a": ["b"]}},
    ],
)
def test_a_malformed_result_is_told_apart(result):
    with pytest.raises(MalformedResult):
        answer(result)


def test_the_gateway_speaks_in_its_own_words():
    assert gateway_answer(413).body == b'{"message": "Request Entity Too Large"}'
