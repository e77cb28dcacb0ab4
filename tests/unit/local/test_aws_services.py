import asyncio
import json

from local.aws_services import DELIVER, SAVE, Guard


class Saver:
    """Tells what was asked of it, in order, in the journal's list."""

    def __init__(self, seen, ready):
        self._seen = seen
        self.ready = lambda: ready

    def changed(self):
        self._seen.append("changed")

    async def saved(self):
        self._seen.append("saved")


class Durability:
    def __init__(self, ready=True):
        self.seen = []
        self.journal = self
        self._ready = ready

    async def settled(self):
        self.seen.append("settled")

    def make_saver(self):
        return Saver(self.seen, self._ready)

    def deliver_pending(self):
        return 7


def ask(method="PUT", path="/bucket/key", host=b"127.0.0.1:4566", body=b"", ready=True, **headers):
    """The status, what happened up to the first byte of the answer, and the answer."""
    durability, sent = Durability(ready), []

    async def accept(scope, receive, send):
        if scope["type"] == "http":
            await receive()
            durability.seen.append("done")
            await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        durability.seen.append("answered")
        sent.append(message)

    async def run():
        guard = Guard(accept, 4566, durability)
        await guard({"type": "lifespan"}, None, send)
        lines = [(b"host", host), *((name.replace("_", "-").encode(), value) for name, value in headers.items())]
        await guard({"type": "http", "method": method, "path": path, "headers": lines}, receive, send)

    asyncio.run(run())
    return sent[0]["status"], durability.seen[: durability.seen.index("answered")], sent[-1].get("body")


def test_an_answer_leaves_once_the_journal_has_what_it_tells_of():
    assert ask("PUT")[:2] == (200, ["done", "settled"])
    assert ask("GET")[:2] == (200, ["done", "settled"])


def test_what_only_a_snapshot_holds_is_saved_before_the_answer():
    assert ask("PUT", "/bucket")[1] == ["done", "saved", "settled"]
    form = {"content_type": b"application/x-www-form-urlencoded; charset=utf-8"}
    assert ask("POST", "/", body=b"Action=CreateRole&RoleName=r", **form)[1] == ["done", "saved", "settled"]
    assert ask("POST", "/", body=b"Action=DescribeStacks&Version=1", **form)[1] == ["done", "settled"]


def test_in_the_midst_of_a_deployment_nothing_waits_for_a_snapshot():
    assert ask("PUT", "/bucket", ready=False)[1] == ["done", "changed", "settled"]


def test_web_pages_from_elsewhere_reach_no_service():
    assert ask(host=b"evil.example:4566")[:2] == (421, [])
    assert ask(origin=b"https://evil.example")[:2] == (403, [])
    assert ask("GET", sec_fetch_site=b"cross-site")[:2] == (403, [])


def test_nobody_resets_the_services():
    status, seen, body = ask("POST", "/_ministack/reset")
    assert (status, seen, json.loads(body)["code"]) == (403, [], "no_reset")


def test_the_launcher_has_state_saved_and_events_delivered():
    assert ask("POST", SAVE) == (200, ["saved"], b"0")
    assert ask("POST", DELIVER) == (200, [], b"7")
