"""HTTP/1.1 on httptools: whole requests in, whole responses out. Every port of `local.server` stands on it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import httptools

LOG = logging.getLogger(__name__)
MAX_HEADER_BYTES = 64 * 1024
MAX_PIPELINED = 16
REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True)
class Request:
    """`target` is what the request line holds, percent-encoded; header names are in lower case."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    peer: str
    protocol: str
    body_too_large: bool = False


@dataclass(slots=True)
class Response:
    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


Handler = Callable[[Request], Awaitable[Response]]


async def listen(handler: Handler, port: int, *, max_body: int) -> tuple[asyncio.Server, int]:
    """Serves on 127.0.0.1; port 0 takes a free one. Returns the server and its port. A body over `max_body` bytes is
    read and dropped: the handler gets the request with `body_too_large` set."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(handler, max_body), "127.0.0.1", port, backlog=1024)
    return server, int(server.sockets[0].getsockname()[1])


class _Connection(asyncio.Protocol):
    def __init__(self, handler: Handler, max_body: int) -> None:
        self._handler = handler
        self._max_body = max_body
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport
        self._peer = ""
        self._reading = True
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._peer = self._transport.get_extra_info("peername")[0]

    def data_received(self, data: bytes) -> None:
        if not self._reading:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # No other protocol is spoken here; what follows the request is read as HTTP again.
            self._parser = httptools.HttpRequestParser(self)
            if rest := data[upgrade.args[0] :]:
                self.data_received(rest)
        except httptools.HttpParserError:
            self._refuse(400)

    def connection_lost(self, exc: Exception | None) -> None:
        self._reading = False
        self._waiting.clear()

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers: list[tuple[str, str]] = []
        self._header_bytes = 0
        self._chunks: list[bytes] = []
        self._size = 0
        self._answered_early = False

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head(len(name) + len(value))
        self._headers.append((name.lower().decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        expected = declared = ""
        for name, value in self._headers:
            if name == "expect":
                expected = value.lower()
            elif name == "content-length":
                declared = value
        if expected != "100-continue":
            return
        if declared.isdigit() and int(declared) > self._max_body:
            self._size = int(declared)
            self._answered_early = True
            self._enqueue(keep_alive=False)
            self._reading = False
        else:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= self._max_body:
            self._chunks.append(body)
        else:
            self._chunks.clear()

    def on_message_complete(self) -> None:
        if not self._answered_early:
            self._enqueue(keep_alive=self._parser.should_keep_alive())

    def _count_head(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES and self._reading:
            self._refuse(431)

    def _enqueue(self, *, keep_alive: bool) -> None:
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            target=self._target.decode("latin-1"),
            headers=self._headers,
            body=b"".join(self._chunks),
            peer=self._peer,
            protocol=f"HTTP/{self._parser.get_http_version()}",
            body_too_large=self._size > self._max_body,
        )
        if not self._reading:
            return
        self._waiting.append((request, keep_alive))
        if len(self._waiting) > MAX_PIPELINED:
            self._transport.pause_reading()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer_all())

    async def _answer_all(self) -> None:
        """One request at a time, in order. A request is carried through even if its client has gone."""
        while self._waiting:
            request, keep_alive = self._waiting.popleft()
            if len(self._waiting) == MAX_PIPELINED:
                self._transport.resume_reading()
            try:
                response = await self._handler(request)
            except Exception:
                LOG.exception("%s %s", request.method, request.target.partition("?")[0])
                response = Response(500)
            if self._transport.is_closing():
                break
            self._transport.write(_encode(response, keep_alive=keep_alive, head=request.method == "HEAD"))
            if not keep_alive:
                self._reading = False
                self._transport.close()
                break
        self._task = None

    def _refuse(self, status: int) -> None:
        self._reading = False
        self._transport.write(_encode(Response(status), keep_alive=False, head=False))
        self._transport.close()


def _encode(response: Response, *, keep_alive: bool, head: bool) -> bytes:
    status = response.status
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, '')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    bodiless = status in (204, 304) or status < 200
    if not bodiless:
        lines.append(f"content-length: {len(response.body)}")
    if not keep_alive:
        lines.append("connection: close")
    start = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    return start if head or bodiless else start + response.body
