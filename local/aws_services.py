"""The AWS services of this machine: MiniStack in a process of its own, its functions run by our runtime."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Protocol

from local import ministack_hooks, ministack_iam, ministack_maps
from local.batch import Batch
from local.children import die_with_parent
from local.converters import jobs_at_once
from local.durable.calls import Call, Effect
from local.durable.durability import Durability
from local.origins import Refusal, refusal
from local.saver import Saver

SAVE, DELIVER = "/_aimass/save", "/_aimass/deliver"  # what the launcher asks for
RESET = "/_ministack/reset"
NO_RESET = Refusal(403, "no_reset", "resetting would lose what was acknowledged: choose another STATE")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Settling(Protocol):
    async def settled(self) -> None:
        """Returns when everything that was changed so far is on disk."""


class Keeping(Protocol):
    """What `Durability` is to the guard."""

    @property
    def journal(self) -> Settling: ...

    def make_saver(self) -> Saver: ...

    def deliver_pending(self) -> int: ...


class Guard:
    """Around MiniStack: refuses web pages from elsewhere, and answers only once what the answer tells of is on disk."""

    def __init__(self, app: App, port: int, durability: Keeping) -> None:
        self._app = app
        self._port = port
        self._durability = durability
        self._saver: Saver | None = None

    def changed(self) -> None:
        if self._saver:
            self._saver.changed()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._saver = self._durability.make_saver()
            await self._app(scope, self._saving_first(self._saver, receive), send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        refused = refusal(headers, self._port, bucket_names=True)
        if refused is None and scope["path"].startswith(RESET):
            refused = NO_RESET
        if refused:
            await _send_refusal(refused, send)
        elif scope["path"] in (SAVE, DELIVER):
            await self._serve_launcher(scope["path"], send)
        else:
            call = Call(scope["method"], scope["path"], dict(headers))
            await self._app(scope, call.listening(receive), self._settling(call, send))

    def _settling(self, call: Call, send: Send) -> Send:
        async def settle_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                refused = 400 <= message["status"] < 500  # and has changed nothing
                if call.effect is Effect.SNAPSHOT and not refused:
                    await self._save()
                await self._durability.journal.settled()
            await send(message)

        return settle_and_send

    async def _save(self) -> None:
        """While a stack is deployed there is nothing to save: the launcher asks for it at the end."""
        if self._saver and self._saver.ready():
            await self._saver.saved()
        else:
            self.changed()

    async def _serve_launcher(self, path: str, send: Send) -> None:
        answer = 0
        if path == DELIVER:
            answer = self._durability.deliver_pending()
        elif self._saver:
            await self._saver.saved()
        await _send_json(200, answer, send)

    def _saving_first(self, saver: Saver, receive: Receive) -> Receive:
        """MiniStack saves everything itself when it is told to shut down."""

        async def next_message() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await saver.close()
            return message

        return next_message


async def _send_refusal(refused: Refusal, send: Send) -> None:
    body = {"error": refused.error, "code": refused.code, "details": {}, "request_id": ""}
    await _send_json(refused.status, body, send)


async def _send_json(status: int, value: Any, send: Send) -> None:
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
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

    durability = Durability(options.state)
    durability.install()
    ministack_iam.enforce_roles(options.state)
    guard = Guard(app, options.port, durability)
    ministack_hooks.take_files_as_they_come()
    ministack_hooks.run_jobs_in(Batch(options.state, at_once=jobs_at_once()))
    ministack_maps.run_items(jobs_at_once())
    ministack_hooks.run_functions_in(options.invoke_port, durability.journal.wait, guard.changed)
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
