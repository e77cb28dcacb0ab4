import asyncio

import pytest

from local.aws_services import Guard, may_change


class Changes:
    def __init__(self):
        self.seen = 0

    def changed(self):
        self.seen += 1


async def accept(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})


def ask(method="PUT", host=b"127.0.0.1:4566", **headers):
    """The status, and how often state was said to have changed."""
    changes, sent = Changes(), []

    async def send(message):
        sent.append(message)

    async def run():
        guard = Guard(accept, 4566, lambda: changes)
        await guard({"type": "lifespan"}, None, send)
        lines = [(b"host", host), *((name.replace("_", "-").encode(), value) for name, value in headers.items())]
        await guard({"type": "http", "method": method, "headers": lines}, None, send)

    asyncio.run(run())
    return sent[0]["status"], changes.seen


def test_a_change_is_told_and_a_read_is_not():
    assert ask("PUT") == (200, 1)
    assert ask("GET") == (200, 0)
    assert ask("POST", x_amz_target=b"DynamoDB_20120810.GetItem") == (200, 0)


def test_web_pages_from_elsewhere_reach_no_service():
    assert ask(host=b"evil.example:4566") == (421, 0)
    assert ask(origin=b"https://evil.example") == (403, 0)
    assert ask("GET", sec_fetch_site=b"cross-site") == (403, 0)


@pytest.mark.parametrize(
    ("method", "target", "changes"),
    [
        ("POST", "DynamoDB_20120810.TransactWriteItems", True),
        ("POST", "DynamoDB_20120810.TransactGetItems", False),
        ("POST", "DynamoDB_20120810.Query", False),
        ("POST", "AWSStepFunctions.StartExecution", True),
        ("POST", "AWSStepFunctions.DescribeExecution", False),
        ("POST", "", True),
        ("DELETE", "", True),
        ("HEAD", "", False),
    ],
)
def test_only_what_may_change_state_has_it_saved(method, target, changes):
    assert may_change(method, target) is changes
