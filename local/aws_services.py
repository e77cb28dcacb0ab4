"""The AWS services of this machine: MiniStack in a process of its own, its functions run by our runtime."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from local import ministack_hooks
from local.children import die_with_parent
from local.ministack_ranges import read_ranges_from_disk
from local.origins import Refusal, refusal
from local.saver import Saver

READS = ("Get", "BatchGet", "Query", "Scan", "Describe", "List", "TransactGet")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Guard:
    """Around MiniStack: refuses web pages from elsewhere, and has state saved after what may have changed it."""

    def __init__(self, app: App, port: int, make_saver: Callable[[], Saver]) -> None:
        self._app = app
        self._port = port
        self._make_saver = make_saver
        self._saver: Saver | None = None

    def changed(self) -> None:
        if self._saver:
            self._saver.changed()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._saver = self._make_saver()
            await self._app(scope, self._saving_first(self._saver, receive), send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        refused = refusal(headers, self._port, bucket_names=True)
        if refused:
            await _send_refusal(refused, send)
            return
        await self._app(scope, receive, send)
        if may_change(scope["method"], dict(headers).get("x-amz-target", "")):
            self.changed()

    def _saving_first(self, saver: Saver, receive: Receive) -> Receive:
        """MiniStack saves everything itself when it is told to shut down."""

        async def next_message() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await saver.close()
            return message

        return next_message


def may_change(method: str, target: str) -> bool:
    """`target` is the header that names the operation, where a service has one, as `DynamoDB_20120810.GetItem`."""
    return method not in ("GET", "HEAD", "OPTIONS") and not target.rpartition(".")[2].startswith(READS)


async def _send_refusal(refused: Refusal, send: Send) -> None:
    body = json.dumps({"error": refused.error, "code": refused.code, "details": {}, "request_id": ""}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.aws_services")
    for name in ("--parent", "--port", "--invoke-port"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    die_with_parent(options.parent)
    os.environ.update(ministack_hooks.settings(options.port, options.state))
    ministack_hooks.check_parts()

    import uvicorn
    from ministack.app import app

    guard = Guard(app, options.port, ministack_hooks.make_saver)
    ministack_hooks.run_functions_in(options.invoke_port, guard.changed)
    ministack_hooks.name_versions_in_events()
    ministack_hooks.keep_bodies_on_disk()
    read_ranges_from_disk()
    uvicorn.run(
        guard,
        host="127.0.0.1",
        port=options.port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
