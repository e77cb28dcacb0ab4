"""MiniStack with its durability in a process of its own, asked through boto3 without a socket.

`python -m tests.unit.local.durable.in_process <state> <scenario>` runs a function of `scenarios` and prints its answer.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSResponse

from local import ministack_hooks
from local.aws import client

PORT = 4566


class Services:
    """The guarded ASGI application on a loop in a thread."""

    def __init__(self, state: Path) -> None:
        os.environ.update(ministack_hooks.settings(PORT, state), AUTH="false")
        ministack_hooks.check_parts()
        from ministack.app import app

        from local.aws_services import Guard
        from local.durable.durability import Durability

        self.calls: list[Any] = []
        self.durability = Durability(state)
        self.durability.install()
        self._guard = Guard(app, PORT, self.durability)
        self._take_calls()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._life: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._began = threading.Event()
        asyncio.run_coroutine_threadsafe(self._live(), self._loop)
        assert self._began.wait(60)

    def client(self, service: str) -> Any:
        made = client(service, f"http://127.0.0.1:{PORT}")
        made.meta.events.register("before-send", self._answer)
        return made

    def post(self, path: str) -> None:
        self._ask("POST", path, {"host": f"127.0.0.1:{PORT}"}, b"")

    def _take_calls(self) -> None:
        """Functions are not run: who was called with what is kept."""
        from ministack.services import lambda_svc

        def take(_: object, config: dict[str, Any], event: Any, *more: object) -> dict[str, Any]:
            self.durability.journal.wait()
            self.calls.append(event)
            return {"body": None, "log": ""}

        lambda_svc._execute_function_dispatch = take

    async def _live(self) -> None:
        async def send(_: Any) -> None:
            self._began.set()

        await self._life.put({"type": "lifespan.startup"})
        await self._guard({"type": "lifespan"}, self._life.get, send)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        body = request.body.read() if hasattr(request.body, "read") else request.body or b""
        headers = {name: v.decode() if isinstance(v, bytes) else str(v) for name, v in request.headers.items()}
        headers.setdefault("Host", f"127.0.0.1:{PORT}")
        status, answered, content = self._ask(request.method, request.url, headers, body)
        return AWSResponse(request.url, status, answered, Raw(content))

    def _ask(self, method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(url)
        lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": lines,
            "client": ("127.0.0.1", 1),
        }
        sent: list[dict[str, Any]] = []

        async def run() -> None:
            chunks = iter([body[i : i + 65536] for i in range(0, len(body), 65536)] or [b""])
            left = max(1, -(-len(body) // 65536))

            async def receive() -> dict[str, Any]:
                nonlocal left
                left -= 1
                return {"type": "http.request", "body": next(chunks), "more_body": left > 0}

            async def send(message: dict[str, Any]) -> None:
                sent.append(message)

            await self._guard(scope, receive, send)

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(60)
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:])


class Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


def main() -> None:
    from tests.unit.local.durable import scenarios

    services = Services(Path(sys.argv[1]))
    answer = getattr(scenarios, sys.argv[2])(services)
    print(json.dumps(answer), flush=True)
    os.kill(os.getpid(), 9)


if __name__ == "__main__":
    main()
