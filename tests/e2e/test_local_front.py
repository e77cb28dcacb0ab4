"""The front and the Lambda runtime with functions of a few lines: limits, failures, what a function is told."""

import asyncio
import base64
import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import uvloop

from local.front.gateway import MAX_BODY_BYTES, Gateway
from local.front.routes import Api, Authorizer, Route
from local.http_server import listen
from local.runtime.function import Function
from local.runtime.runtime import Runtime
from local.runtime.worker import Place

pytestmark = pytest.mark.e2e

SOURCES = {
    "echo": "def handler(event, context):\n    return {k: v for k, v in event.items()}\n",
    "act": """
import json, os, signal, subprocess, sys, time, urllib.request, urllib.error
def credentials(token):
    url = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    token = token or os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": token})) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return {"refused": error.code}
def handler(event, context):
    asked = json.loads(event.get("body") or "{}")
    time.sleep(asked.get("sleep", 0))
    if "exit" in asked: os._exit(asked["exit"])
    if "raise" in asked: raise ValueError(asked["raise"])
    if "memory" in asked: held = bytearray(asked["memory"] * 2**20)
    if "child_memory" in asked:
        code = f"import time; held = b'1' * ({asked['child_memory']} * 2**20); time.sleep(1)"
        subprocess.run([sys.executable, "-c", code])
    if "size" in asked: return "x" * asked["size"]
    if "raw" in asked: return asked["raw"]
    if "credentials" in asked: return credentials(asked["credentials"])
    left = context.get_remaining_time_in_millis()
    return {"pid": os.getpid(), "cwd": os.getcwd(), "env": dict(os.environ), "left": left}
""",
    "unborn": "raise RuntimeError('no such luck')\n",
    "authorize": """
CALLS = []
def handler(event, context):
    key = event["identitySource"][0]
    CALLS.append(key)
    if key == "Bearer broken": return "yes"
    return {"isAuthorized": key.startswith("Bearer good"), "context": {"tenant": "acme", "calls": len(CALLS)}}
""",
}
SOURCES["roleless"] = SOURCES["act"]
SOURCES["together"] = """
import json, os, time

def handler(event, context):
    calls = event["calls"] if "calls" in event else [event]
    asked = [json.loads(call["body"]) for call in calls]
    print("given", len(calls), flush=True)
    time.sleep(0.1)
    if any(one.get("exit") for one in asked):
        os._exit(3)
    together = {"max_batch": 4, "max_delay_ms": 20.0}
    body = lambda one: json.dumps({"n": one["n"], "of": len(calls)})
    answers = [{"statusCode": 200, "body": body(one), "batching": together} for one in asked]
    return {"answers": answers} if "calls" in event else answers[0]
"""
BY_KEY = Authorizer("authorize", ("$request.header.Authorization",), 60)
ROUTES = (
    Route("GET /echo", "echo"),
    Route("POST /echo", "echo"),
    Route("ANY /items/{id}", "echo", authorizer=BY_KEY),
    Route("POST /act", "act"),
    Route("POST /impatient", "act", timeout_seconds=0.5),
    Route("POST /unborn", "unborn"),
    Route("POST /roleless", "roleless"),
    Route("POST /together", "together"),
)


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    root = tmp_path_factory.mktemp("front")
    served = SimpleNamespace(logs=root / "logs")
    up = threading.Event()
    thread = threading.Thread(target=lambda: uvloop.run(serve(root, served, up)), daemon=True)
    thread.start()
    assert up.wait(20)
    yield served
    served.loop.call_soon_threadsafe(served.stop.set)
    thread.join(10)


async def serve(root, served, up):
    served.loop, served.stop = asyncio.get_running_loop(), asyncio.Event()
    for folder in ("logs", "tmp"):
        (root / folder).mkdir()
    runtime = Runtime(
        [make(root, name) for name in SOURCES],
        Place({"PATH": "/usr/bin"}, credentials_of, root / "logs", root / "tmp"),
        2,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        served.port = probe.getsockname()[1]
    server, _ = await listen(
        Gateway(Api("api", "$default", ROUTES), runtime.invoke, served.port), served.port, max_body=MAX_BODY_BYTES
    )
    up.set()
    await served.stop.wait()
    server.close()
    await runtime.close()


async def credentials_of(function):
    if function.name != "act":
        raise LookupError(f"no role {function.role}")
    return json.dumps({"AccessKeyId": function.role}).encode()


def make(root, name):
    folder = root / name
    folder.mkdir()
    (folder / "handler.py").write_text(SOURCES[name])
    memory_mb = 1769 if name == "together" else 256
    return Function(name, f"arn:{name}", f"role:{name}", "handler.handler", memory_mb, 2, folder, {"OWN": "value"})


def call(front, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=30)
    connection.request(
        method, path, body if body is None or isinstance(body, bytes) else json.dumps(body), headers or {}
    )
    answer = connection.getresponse()
    content = answer.read()
    try:
        parsed = json.loads(content)
    except ValueError:
        parsed = content
    return SimpleNamespace(status=answer.status, headers=answer.headers, body=parsed)


def act(front, path="/act", **asked):
    return call(front, "POST", path, asked, {"content-type": "application/json"})


def test_a_function_sees_only_its_own_environment_and_folder(front, monkeypatch):
    told = act(front).body
    assert told["cwd"].endswith("/act")
    assert told["env"]["OWN"] == "value"
    assert told["env"]["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert "HOME" in told["env"]
    assert "PYTEST_CURRENT_TEST" not in told["env"]
    assert 0 < told["left"] <= 2000


def test_a_function_gets_the_credentials_of_its_role_for_its_token_only(front):
    assert act(front, credentials="").body == {"AccessKeyId": "role:act"}
    assert act(front, credentials="another's").body == {"refused": 403}


def test_a_function_without_a_role_is_refused_credentials_and_the_log_says_so(front, caplog):
    told = call(front, "POST", "/roleless", {"credentials": ""}, {"content-type": "application/json"}).body
    assert told == {"refused": 500}
    assert "no credentials of role:roleless for roleless: no role role:roleless" in caplog.text


def test_a_crash_is_a_500_and_the_next_call_is_answered(front):
    assert (act(front, exit=3).status, act(front, exit=3).body) == (500, {"message": "Internal Server Error"})
    assert act(front).status == 200


def test_an_exception_is_a_500(front):
    assert act(front, **{"raise": "oh"}).status == 500
    assert act(front).status == 200


def test_a_function_that_cannot_initialise_is_a_500(front):
    assert call(front, "POST", "/unborn").status == 500
    assert "no such luck" in (front.logs / "unborn.log").read_text()


def test_a_call_over_its_time_ends_and_others_are_answered_meanwhile(front):
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(act, front, sleep=60)
        time.sleep(0.2)
        assert act(front).status == 200
        assert not slow.done()
        assert slow.result(timeout=30).status == 500
    assert act(front).status == 200


def test_an_integration_over_its_time_is_a_503(front):
    answer = act(front, "/impatient", sleep=1)
    assert (answer.status, answer.body) == (503, {"message": "Service Unavailable"})


def test_a_function_gets_no_more_memory_than_it_is_given(front):
    assert act(front, memory=100).status == 200
    assert act(front, memory=900).status == 500
    assert act(front).status == 200


def test_its_children_count(front):
    assert act(front, child_memory=400).status == 500
    assert act(front).status == 200


def test_an_answer_over_6_mb_is_a_500(front):
    assert act(front, size=6_000_000).status == 200
    assert act(front, size=6_400_000).status == 500
    assert act(front).status == 200


def test_a_body_over_10_mb_or_an_event_over_6_mb_is_refused(front):
    too_large = (413, {"message": "Request Entity Too Large"})
    answer = call(front, "POST", "/echo", bytes(MAX_BODY_BYTES + 1))
    assert (answer.status, answer.body) == too_large
    answer = call(front, "POST", "/echo", bytes(5 * 2**20))  # Base64 makes it a third larger
    assert (answer.status, answer.body) == too_large


def test_a_body_over_10_mb_is_refused_before_it_is_sent_to_a_client_that_asks(front):
    with socket.create_connection(("127.0.0.1", front.port)) as client:
        head = f"POST /echo HTTP/1.1\r\nHost: 127.0.0.1:{front.port}\r\nExpect: 100-continue\r\n"
        client.sendall(f"{head}Content-Length: 20000000\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_asks_is_told_to_continue(front):
    with socket.create_connection(("127.0.0.1", front.port)) as client:
        head = f"POST /echo HTTP/1.1\r\nHost: 127.0.0.1:{front.port}\r\nExpect: 100-continue\r\n"
        client.sendall(f"{head}Content-Length: 2\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n".encode())
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hi")
        assert b'"body":"hi"' in receive_all(client)


def test_chunked_bodies_and_pipelined_requests_arrive_whole_and_in_order(front):
    with socket.create_connection(("127.0.0.1", front.port)) as client:
        host = f"Host: 127.0.0.1:{front.port}\r\n"
        chunked = f"POST /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n"
        client.sendall(f"{chunked}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".encode())
        client.sendall(f"GET /echo?n=2 HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode())
        answers = receive_all(client)
    assert answers.index(b'"body":"abcde"') < answers.index(b'"rawQueryString":"n=2"')


def test_a_head_request_without_a_route_is_a_404_without_a_body(front):
    answer = call(front, "HEAD", "/echo")
    assert (answer.status, answer.body) == (404, b"")


def test_a_request_that_is_not_http_is_a_400(front):
    with socket.create_connection(("127.0.0.1", front.port)) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        assert receive_all(client).startswith(b"HTTP/1.1 400 ")


def test_an_upgrade_is_ignored(front):
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQ"}
    assert call(front, "GET", "/echo", headers=headers).status == 200


def test_binary_bodies_arrive_as_base64(front):
    told = call(front, "POST", "/echo", b"\x00\xff", {"content-type": "application/octet-stream"}).body
    assert told["isBase64Encoded"] is True
    assert base64.b64decode(told["body"]) == b"\x00\xff"


def test_without_a_key_a_caller_on_this_machine_is_the_tenant_local(front):
    told = call(front, "GET", "/items/a%20b").body
    assert told["requestContext"]["authorizer"] == {"lambda": {"tenant": "local"}}
    assert told["pathParameters"] == {"id": "a b"}


def test_a_key_is_shown_to_the_authorizer_once(front):
    for _ in range(2):
        told = call(front, "GET", "/items/1", headers={"Authorization": "Bearer good"}).body
        assert told["requestContext"]["authorizer"]["lambda"] == {"tenant": "acme", "calls": 1}


def test_a_wrong_key_is_a_403_and_a_broken_authorizer_a_500(front):
    denied = call(front, "GET", "/items/1", headers={"Authorization": "Bearer wrong"})
    assert (denied.status, denied.body) == (403, {"message": "Forbidden"})
    assert call(front, "GET", "/items/1", headers={"Authorization": "Bearer broken"}).status == 500


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example:{port}", "localhost:1"])
def test_unknown_hosts_are_refused(front, host):
    answer = call(front, "GET", "/echo", headers={"Host": host.format(port=front.port)})
    assert (answer.status, answer.body["code"]) == (421, "unknown_host")
    assert set(answer.body) == {"error", "code", "details", "request_id"}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_foreign_origins_are_refused(front, origin):
    answer = call(front, "POST", "/echo", b"{}", {"Origin": origin})
    assert (answer.status, answer.body["code"]) == (403, "foreign_origin")


def test_pages_of_this_machine_may_call(front):
    assert call(front, "POST", "/echo", b"{}", {"Origin": f"http://localhost:{front.port}"}).status == 200


def test_calls_run_side_by_side(front):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: act(front, sleep=0.5), range(8)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["pid"] for answer in answers}) > 2


def together(front, bodies):
    with ThreadPoolExecutor(len(bodies)) as threads:
        return list(threads.map(lambda body: act(front, "/together", **body), bodies))


def test_calls_that_wait_run_together_once_the_function_says_so(front):
    together(front, [{"n": 0}])
    answers = together(front, [{"n": at} for at in range(12)])
    assert [answer.status for answer in answers] == [200] * 12
    assert [answer.body["n"] for answer in answers] == list(range(12))
    assert 1 < max(answer.body["of"] for answer in answers) <= 4
    assert "batching" not in {name.lower() for name in answers[0].headers}


def test_a_worker_that_dies_fails_all_calls_that_it_held_and_none_is_run_again(front):
    together(front, [{"n": 0}])
    log = front.logs / "together.log"
    before = log.read_text().count("given")
    answers = together(front, [{"n": at, "exit": True} for at in range(8)])
    assert [answer.status for answer in answers] == [500] * 8
    given = [int(line.split()[1]) for line in log.read_text().splitlines() if line.startswith("given")][before:]
    assert sum(given) == 8
    assert max(given) > 1
    assert together(front, [{"n": 1}])[0].body["n"] == 1


def receive_all(client):
    client.settimeout(10)
    received = b""
    while chunk := client.recv(65536):
        received += chunk
    return received
