import asyncio
import json

import pytest

from local.front.gateway import Gateway
from local.front.routes import Api, Authorizer, Route
from local.http_server import Request
from local.runtime.result import Result, Throttled

BY_KEY = Authorizer("authorize", ("$request.header.Authorization",), 60)
ROUTES = (
    Route("POST /predict", "api", authorizer=BY_KEY),
    Route("GET /open", "api"),
    Route("GET /closed", "api", authorizer=BY_KEY),
)


class Functions:
    """Answers in place of the Lambda runtime, and keeps what it was asked."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []
        self.keys = []

    async def invoke(self, name, payload, key=None):
        self.asked.append((name, json.loads(payload)))
        self.keys.append(key)
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Result) else Result(json.dumps(answer).encode())


def ask(functions, path, times=1, method="GET", body=b"", **headers):
    async def run():
        gateway = Gateway(Api("api", "$default", ROUTES), functions.invoke, 8080)
        lines = [("host", "localhost:8080"), *headers.items()]
        for _ in range(times):
            answer = await gateway(Request(method, path, lines, body, "127.0.0.1", "HTTP/1.1"))
        return answer

    return asyncio.run(run())


def test_a_public_route_asks_no_authorizer():
    functions = Functions({"api": {"statusCode": 200, "body": "ok"}})
    assert ask(functions, "/open", authorization="Bearer k").body == b"ok"
    assert [name for name, _ in functions.asked] == ["api"]


def test_what_the_authorizer_says_reaches_the_function_and_is_asked_once():
    functions = Functions({"api": {}, "authorize": {"isAuthorized": True, "context": {"tenant": "acme"}}})
    ask(functions, "/closed", times=3, authorization="Bearer k")
    assert [name for name, _ in functions.asked] == ["authorize", "api", "api", "api"]
    assert functions.asked[-1][1]["requestContext"]["authorizer"] == {"lambda": {"tenant": "acme"}}


def test_a_refusal_never_reaches_the_function():
    functions = Functions({"authorize": {"isAuthorized": False}})
    assert ask(functions, "/closed", times=2, authorization="Bearer k").status == 403
    assert [name for name, _ in functions.asked] == ["authorize"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Result(b'{"errorType": "ValueError"}', failed=True), 500),
        (Result(b"not json"), 500),
        ({"statusCode": "?"}, 500),
        (Throttled("1000 calls wait"), 503),
    ],
)
def test_a_failing_function_is_the_gateways_error(answer, status):
    failed = ask(Functions({"api": answer}), "/open")
    assert failed.status == status
    assert set(json.loads(failed.body)) == {"message"}


def test_every_answer_carries_its_request_id():
    names = [name for name, _ in ask(Functions({}), "/nowhere").headers]
    assert "apigw-requestid" in names


def test_only_posts_of_one_tenant_path_and_model_may_run_together():
    functions = Functions({"api": {}, "authorize": {"isAuthorized": True, "context": {"tenant": "acme"}}})
    digits, irises = b'{"version": 1, "model_name" : "digits", "data": []}', b'{"model_name":"irises"}'
    for body in (digits, digits, irises):
        ask(functions, "/predict", method="POST", body=body)
    ask(functions, "/predict", method="POST", body=digits, authorization="Bearer k")
    ask(functions, "/open")
    first, again, other, _, anothers, got = functions.keys
    assert first == again
    assert len({first, other, anothers}) == 3
    assert got is None
