"""A Lambda Runtime API of one function's process, as small as measuring allows, and that process.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

CHILD = Path(__file__).parent / "measured/function.py"
INVOCATION = "/2018-06-01/runtime/invocation/"
CREDENTIALS = "/credentials"
SECONDS = 30.0


@dataclass(frozen=True)
class Place:
    """Whose process: the handler's folder and name, its environment, its role's credentials as JSON."""

    folder: Path
    handler: str
    environment: Mapping[str, str]
    credentials: bytes


@dataclass(frozen=True)
class Event:
    """Something that the process told, and when (`time.perf_counter`)."""

    what: str
    at: float
    body: bytes = b""


class Process:
    """Started at once; `spawned` is when."""

    def __init__(self, place: Place, log: Path) -> None:
        self._events: queue.Queue[Event] = queue.Queue()
        self._jobs: queue.Queue[bytes] = queue.Queue()
        self._server = _Server(("127.0.0.1", 0), _answering(self._events, self._jobs, place.credentials))
        Thread(target=self._server.serve_forever, daemon=True).start()
        host = f"127.0.0.1:{self._server.server_port}"
        environment = {
            **place.environment,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{host}{CREDENTIALS}",
            "AWS_LAMBDA_RUNTIME_API": host,
            "LAMBDA_TASK_ROOT": str(place.folder),
            "SPAWNED_AT": str(time.time()),
            "_HANDLER": place.handler,
        }
        command = [sys.executable, "-P", str(CHILD), place.handler]
        with log.open("ab") as output:
            self.spawned = time.perf_counter()
            self._child = subprocess.Popen(
                command, cwd=place.folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def wait_until_ready(self) -> float:
        """When it asked for its first call. Raises RuntimeError."""
        return self._next("next").at

    def call(self, event: Mapping[str, Any]) -> tuple[float, float, Any]:
        """When it was asked, when it had answered, and the answer. Raises RuntimeError."""
        payload = json.dumps(event).encode()
        asked = time.perf_counter()
        self._jobs.put(payload)
        answered = self._next("response")
        self._next("next")
        return asked, answered.at, json.loads(answered.body)

    def stop(self) -> None:
        self._child.kill()
        self._child.wait()
        self._server.shutdown()
        self._server.server_close()

    def _next(self, what: str) -> Event:
        try:
            event = self._events.get(timeout=SECONDS)
        except queue.Empty:
            event = Event("nothing", 0.0)
        if event.what != what:
            raise RuntimeError(f"expected {what!r} of the function, got {event.what!r}: {event.body[:2000]!r}")
        return event


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that was stopped left its connection; what matters, its caller misses."""


def _answering(
    events: queue.Queue[Event], jobs: queue.Queue[bytes], credentials: bytes
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            if self.path == CREDENTIALS:
                self._answer(200, credentials)
                return
            events.put(Event("next", time.perf_counter()))
            job = jobs.get()
            deadline = str(int((time.time() + SECONDS) * 1000))
            told = {"aws-request-id": "measured", "deadline-ms": deadline, "invoked-function-arn": "arn:aws:lambda:::f"}
            headers = {f"lambda-runtime-{name}": value for name, value in told.items()}
            # The runtime client dereferences it unasked.
            self._answer(200, job, headers | {"content-type": "application/json"})

        def do_POST(self) -> None:
            at = time.perf_counter()
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            self._answer(202, b"")
            events.put(Event(self.path.rpartition("/")[2], at, body))

        def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    return Handler
