"""The AWS services of this machine: MiniStack in a process of its own, its functions run by our runtime.

Some of MiniStack's private parts are used (docs/adr/0020); `check_parts` says so at start if one has gone.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import importlib
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from local.aws import ACCOUNT, REGION
from local.children import die_with_parent
from local.origins import Refusal, refusal

LOG = logging.getLogger(__name__)
SAVE_AFTER_SECONDS = 1.0
LONGEST_CALL_SECONDS = 1000
READS = ("Get", "BatchGet", "Query", "Scan", "Describe", "List", "TransactGet")
PARTS = {
    "ministack.app": ("app", "_build_persistence_save_dict"),
    "ministack.core.persistence": ("save_all",),
    "ministack.services.lambda_svc": ("_execute_function_dispatch", "_throttle_response"),
}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Saver:
    """Writes the services' state a moment after it may have changed. At the end MiniStack writes it itself."""

    def __init__(self, collect: Callable[[], dict[str, Callable[[], Any]]], write: Callable[[dict[str, Any]], None]):
        self._collect = collect
        self._write = write
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run())

    def changed(self) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self._changed.set)

    async def close(self) -> None:
        self._closing.set()
        self._changed.set()
        await self._task

    async def _run(self) -> None:
        while not self._closing.is_set():
            await self._changed.wait()
            try:
                await asyncio.wait_for(self._closing.wait(), SAVE_AFTER_SECONDS)
            except TimeoutError:
                self._changed.clear()
                await self._save()

    async def _save(self) -> None:
        """The state is copied here on the loop, where requests change it, and written on a thread."""
        copies = {name: _copy(name, get_state) for name, get_state in self._collect().items()}
        await asyncio.to_thread(self._write, {name: lambda copy=copy: copy for name, copy in copies.items()})


def _copy(name: str, get_state: Callable[[], Any]) -> Any:
    """None, which leaves what was saved before, if a running execution keeps changing the state under the copy."""
    for _ in range(5):
        try:
            return get_state()
        except RuntimeError as error:
            LOG.info("%s changed while it was copied: %s", name, error)
    return None


class Guard:
    """In front of MiniStack: refuses web pages from elsewhere, and tells the saver of what may change state."""

    def __init__(self, app: App, port: int, make_saver: Callable[[], Saver]) -> None:
        self._app = app
        self._port = port
        self._make_saver = make_saver
        self.saver: Saver | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, self._until_saved(receive), send)
        elif scope["type"] == "http":
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
            refused = refusal(headers, self._port, bucket_names=True)
            if refused:
                await _send_refusal(refused, send)
                return
            await self._app(scope, receive, send)
            if self.saver and _may_change(scope["method"], dict(headers)):
                self.saver.changed()
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    def _until_saved(self, receive: Receive) -> Receive:
        async def next_message() -> Message:
            if self.saver is None:
                self.saver = self._make_saver()
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.saver.close()
            return message

        return next_message


def _may_change(method: str, headers: dict[str, str]) -> bool:
    if method in ("GET", "HEAD", "OPTIONS"):
        return False
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    return not operation.startswith(READS)


async def _send_refusal(refused: Refusal, send: Send) -> None:
    body = json.dumps({"error": refused.error, "code": refused.code, "details": {}, "request_id": ""}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def dispatcher(invoke_port: int, throttled: Callable[[str, str], Any]) -> Callable[..., dict[str, Any]]:
    """What MiniStack calls, on a thread, to run a function: hands the event to our runtime."""

    def dispatch(
        _function: object, config: dict[str, Any], event: Any, _request_id: str, _started: float
    ) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", invoke_port, timeout=LONGEST_CALL_SECONDS)
        try:
            path = f"/2015-03-31/functions/{config['FunctionName']}/invocations"
            connection.request("POST", path, json.dumps(event).encode())
            response = connection.getresponse()
            payload = response.read()
        except OSError as error:
            return _failed("Lambda.ServiceException", f"the runtime doesn't answer: {error}")
        finally:
            connection.close()
        if response.status == 200:
            result = {"body": json.loads(payload) if payload else None, "log": ""}
            return {**result, "error": True} if response.getheader("x-amz-function-error") else result
        message = json.loads(payload)["Message"]
        if response.status == 429:
            refused: dict[str, Any] = throttled("ReservedFunctionConcurrentInvocationLimitExceeded", message)
            refused["body"]["errorType"] = "TooManyRequestsException"
            return refused
        return _failed(f"Lambda.{response.getheader('x-amzn-errortype')}", message)

    return dispatch


def _failed(error_type: str, message: str) -> dict[str, Any]:
    return {"error": True, "body": {"errorType": error_type, "errorMessage": message}, "log": ""}


def check_parts() -> None:
    """Imports MiniStack. Ends the process if a private part that is used here has gone."""
    missing = [
        f"{module}.{part}"
        for module, parts in PARTS.items()
        for part in parts
        if not hasattr(importlib.import_module(module), part)
    ]
    if missing:
        sys.exit(f"this version of MiniStack lacks {', '.join(missing)}: install the pinned one (requirements/run.in)")


def _settings(port: int, state: Path) -> dict[str, str]:
    """MiniStack reads these when it is imported."""
    return {
        "AWS_DEFAULT_REGION": REGION,
        "DOCKER_HOST": "unix:///nonexistent",  # it would otherwise look for containers to remove
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "S3_DATA_DIR": str(state / "s3"),
        "S3_PERSIST": "1",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(state / "services"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.aws_services")
    for name in ("--parent", "--port", "--invoke-port"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    die_with_parent(options.parent)
    os.environ.update(_settings(options.port, options.state))
    check_parts()

    import uvicorn
    from ministack import app as ministack
    from ministack.core import persistence
    from ministack.services import lambda_svc

    guard = Guard(
        ministack.app,
        options.port,
        lambda: Saver(ministack._build_persistence_save_dict, persistence.save_all),
    )
    dispatch = dispatcher(options.invoke_port, lambda_svc._throttle_response)

    def dispatch_and_save(*arguments: Any) -> dict[str, Any]:
        try:
            return dispatch(*arguments)
        finally:
            if guard.saver:
                guard.saver.changed()

    lambda_svc._execute_function_dispatch = dispatch_and_save
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
