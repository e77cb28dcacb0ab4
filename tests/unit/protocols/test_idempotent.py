"""The middleware, with Powertools' own resolver before it and a store in memory behind it."""

import base64
import json
from types import SimpleNamespace

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from aimass.domain.clock import later, now
from aimass.domain.errors import InvalidArguments
from aimass.protocols.idempotent import REPLAYED, REPLAYED_BODY, _asked, digest, repeatable

CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 1000)


class Memory:
    """A store that keeps answers as JSON text."""

    def __init__(self):
        self.kept = {}

    def once(self, call, asked, run, *, keep, restore, lambda_context):
        assert lambda_context is CONTEXT
        if call in self.kept:
            return restore(json.loads(self.kept[call][1]))
        answer = run()
        self.kept[call] = (asked, json.dumps(keep(answer)))
        return answer


class Service:
    """One route that counts its calls, and gives a secret each time."""

    def __init__(self, store):
        self.calls = 0
        self.app = APIGatewayHttpResolver(enable_validation=True)
        self.app.use([repeatable(store)])

        @self.app.post("/things/<thing>")
        @self.app.put("/things/<thing>")
        def make(thing: str) -> Response[dict]:
            self.calls += 1
            body = {"thing": thing, "count": self.calls, "secret": f"s{self.calls}"}
            return Response(201, "application/json", body, {"cache-control": "no-store"})

    def post(self, key=None, path="/things/a", tenant="acme", body="{}", method="POST", encoded=False):
        event = {
            "rawPath": path,
            "headers": {"content-type": "application/json"} | ({} if key is None else {"idempotency-key": key}),
            "requestContext": {
                "http": {"method": method, "path": path},
                "stage": "$default",
                "authorizer": {"lambda": {"tenant": tenant}},
            },
            "body": body,
            "isBase64Encoded": encoded,
        }
        answer = self.app.resolve(event, CONTEXT)
        return answer["statusCode"], {k.lower(): v for k, v in answer["headers"].items()}, json.loads(answer["body"])


@pytest.fixture
def memory():
    return Memory()


@pytest.fixture
def service(memory):
    return Service(lambda: memory)


def test_without_a_key_the_store_is_never_opened():
    def never():
        raise AssertionError("opened")

    service = Service(never)
    assert [service.post()[2]["count"] for _ in range(2)] == [1, 2]


def test_a_repeated_call_gets_the_first_answer_and_says_so(service):
    first, again = service.post("k"), service.post("k")
    assert (first[0], again[0]) == (201, 201)
    assert "idempotent-replayed" not in first[1]
    assert again[1] == first[1] | {"idempotent-replayed": "true"}
    assert again[2]["count"] == 1
    assert service.calls == 1


def test_a_secret_is_answered_once_and_kept_nowhere(service, memory):
    assert service.post("k")[2]["secret"] == "s1"
    again = service.post("k")[2]
    assert again["secret"] is None
    assert "rotate" in again["note"]
    assert "s1" not in str(memory.kept)


def test_tenant_and_path_are_part_of_the_call(service):
    for call in ({}, {"tenant": "other"}, {"path": "/things/b"}):
        assert "idempotent-replayed" not in service.post("k", **call)[1]
    assert service.calls == 3


def test_the_body_is_told_to_the_store_by_its_digest(service, memory):
    service.post("k", body='{"a": 1}')
    [(asked, _)] = memory.kept.values()
    assert asked == digest("", b'{"a": 1}')


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "a\x7f", "x" * 256])
def test_a_malformed_key_is_refused(service, key):
    with pytest.raises(InvalidArguments) as caught:
        service.post(key)
    assert caught.value.details["fields"].keys() == {"Idempotency-Key"}
    assert service.calls == 0


@pytest.mark.parametrize("key", ["!", "~" * 255, "018f-4a2b"])
def test_every_other_key_is_taken(service, key):
    assert service.post(key)[0] == 201


def test_json_that_says_the_same_has_the_same_digest():
    assert digest("", b'{"a": 1, "b": [2]}') == digest("", b'{"b":[2],"a":1}')
    assert digest("", b'{"a": 1}') != digest("", b'{"a": 2}')
    assert digest("", b"") != digest("", b"\xff")
    assert digest("", b"[" * 100_000) != digest("", b"[" * 100_001)


def form(boundary, *parts):
    said = b""
    for name, filename, value in parts:
        named = f'name="{name}"' + (f'; filename="{filename}"' if filename else "")
        said += f"--{boundary}\r\nContent-Disposition: form-data; {named}\r\n\r\n".encode() + value + b"\r\n"
    return digest(f"multipart/form-data; boundary={boundary}", said + f"--{boundary}--\r\n".encode())


MODEL = ("model", "m.onnx", b"bytes")
NAME = ("name", "", b"digits")


def test_a_form_sent_again_under_another_boundary_says_the_same():
    assert form("one", MODEL, NAME) == form("two", NAME, MODEL)


@pytest.mark.parametrize(
    "parts",
    [
        [MODEL],
        [("model", "m.onnx", b"other"), NAME],
        [("model", "other.onnx", b"bytes"), NAME],
        [MODEL, ("name", "", b"other")],
        [MODEL, NAME, ("data", "m.onnx", b"bytes")],
        [MODEL, NAME, ("label", "", b"digits")],
        [MODEL, NAME, ("version", "", b"1")],
        [MODEL, NAME, ("labels", "", b"a,b")],
        [MODEL, NAME, ("description", "", b"aimass: 1")],
    ],
)
def test_a_form_that_says_something_else_has_another_digest(parts):
    assert form("one", *parts) != form("one", MODEL, NAME)


def test_a_body_in_base64_is_the_body_itself(service, memory):
    service.post("one", body="[1]")
    service.post("two", body=base64.b64encode(b"[1]").decode(), encoded=True)
    one, two = (asked for asked, _ in memory.kept.values())
    assert one == two


def test_a_call_that_sets_a_state_needs_no_key_and_ignores_it(service, memory):
    assert [service.post("k", method="PUT")[2]["count"] for _ in range(2)] == [1, 2]
    assert memory.kept == {}


@pytest.mark.parametrize(("expires_at", "renewed"), [("2020-01-01T00:00:00.000Z", True), (None, False)])
def test_a_kept_url_that_has_expired_is_left_to_the_route_to_sign_anew(memory, expires_at, renewed):
    app = APIGatewayHttpResolver(enable_validation=True)
    app.use([repeatable(lambda: memory)])

    @app.post("/api/v1/models/m/predictions")
    def make() -> Response[dict]:
        before = app.context.get(REPLAYED_BODY)
        upload = {"url": "new" if before else "first", "expires_at": expires_at or later(now(), hours=1)}
        return Response(201, "application/json", {"job_id": before["job_id"] if before else "1", "upload": upload})

    event = prediction("{}", media="application/json") | {
        "requestContext": {
            "http": {"method": "POST", "path": "/api/v1/models/m/predictions"},
            "stage": "$default",
            "authorizer": {"lambda": {"tenant": "acme"}},
        },
    }
    event["headers"]["idempotency-key"] = "k"
    first, again = app.resolve(event, CONTEXT), app.resolve(event, CONTEXT)
    told = [json.loads(one["body"]) for one in (first, again)]
    assert [one["job_id"] for one in told] == ["1", "1"]
    assert [one["upload"]["url"] for one in told] == ["first", "new" if renewed else "first"]
    assert again["headers"][REPLAYED] == "true"
    assert app.context == {}


def prediction(body, boundary="x", query=None, media="multipart/form-data"):
    return {
        "rawPath": "/api/v1/models/m/predictions",
        "headers": {"content-type": f"{media}; boundary={boundary}"},
        "queryStringParameters": query,
        "body": body.replace("|", boundary),
    }


def test_a_prediction_is_the_same_under_another_boundary_and_another_with_other_parameters_or_bytes():
    form = '--|\r\nContent-Disposition: form-data; name="data"; filename="x.npy"\r\n\r\n{}\r\n--|--\r\n'
    first = _asked(prediction(form.format("one"), "aaaa", {"version": "1"}))
    assert first == _asked(prediction(form.format("one"), "bbbb", {"version": "1"}))
    others = [
        prediction(form.format("two"), "aaaa", {"version": "1"}),
        prediction(form.format("one"), "aaaa", {"version": "2"}),
        prediction(form.format("one"), "aaaa", {"version": "1"}, "text/plain"),
    ]
    assert first not in {_asked(other) for other in others}
