"""Bodies on their way: large ones come in to a file and go out from files, never whole in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from local.durable.blobs import CHUNK, Blobs, Body

LARGE = 2**20
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = tuple[int, dict[str, str], Any]


class Streams:
    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def install(self) -> None:
        from ministack import app
        from ministack.core.iam_evaluator import pin_signed_body
        from ministack.core.responses import StreamingResponse
        from ministack.services import s3

        app._read_request_body = self._spooling(
            app._read_request_body, pin_signed_body, app._RequestBodyDisconnected, app._IncompleteRequestBody
        )
        s3._get_object = served(s3._get_object, s3._parse_range, StreamingResponse)
        s3._get_object_data = whole(s3._get_object_data)

    def _spooling(self, read: Any, pin: Any, disconnected: type[Exception], incomplete: type[Exception]) -> Any:
        async def read_body(receive: Receive, method: str, headers: dict[str, str]) -> Any:
            if not is_large_object(method, headers):
                return await read(receive, method, headers)
            expected = int(headers["content-length"])
            spool = self._blobs.spool()
            try:
                received = await _to_file(receive, spool, disconnected)
                if received != expected:
                    raise incomplete(f"{received} of {expected} bytes came")
                body = await asyncio.to_thread(spool.finish)
            except BaseException:
                spool.discard()
                raise
            pin(body)
            return body

        return read_body


def is_large_object(method: str, headers: dict[str, str]) -> bool:
    """A PUT to S3, signed in its header or its URL, of plain bytes."""
    signed_for = headers.get("authorization", "/s3/")
    length = headers.get("content-length", "")
    streamed = headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or "aws-chunked" in headers.get(
        "content-encoding", ""
    )
    return method == "PUT" and "/s3/" in signed_for and length.isdecimal() and int(length) >= LARGE and not streamed


async def _to_file(receive: Receive, spool: Any, disconnected: type[Exception]) -> int:
    """Writes in steps of about a MiB on a thread, and gives the bytes received."""
    chunks: list[bytes] = []
    total = held = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise disconnected
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        chunks.append(chunk)
        held += len(chunk)
        total += len(chunk)
        if held >= CHUNK or not more:
            await asyncio.to_thread(spool.write, chunks)
            chunks, held = [], 0
    return total


def served(get_object: Callable[..., Answer], parse_range: Callable[[str, int], Any], stream: Any) -> Any:
    """`get_object` whose bodies are bytes or streams. MiniStack ignores Range on a pinned version; this doesn't."""

    def get(bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None) -> Answer:
        status, answer, body = get_object(bucket, key, headers, query)
        if not isinstance(body, Body):
            return status, answer, body
        found = parse_range(headers["range"], len(body)) if status == 200 and "range" in headers else None
        if found is not None:
            first, last = found
            answer = {name: value for name, value in answer.items() if not name.lower().startswith("x-amz-checksum-")}
            answer["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
            status, body = 206, body[first : last + 1]
        answer["Content-Length"] = str(len(body))
        return status, answer, bytes(body) if len(body) <= LARGE else stream(_sending(body))

    return get


def _sending(body: Body) -> Callable[[Send, Receive], Awaitable[None]]:
    async def run(send: Send, _: Receive) -> None:
        for chunk in body.chunks():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return run


def whole(get_data: Callable[..., Any]) -> Callable[..., Any]:
    """For the other services, which take an object's bytes: a function's code, a template."""

    def get(*arguments: Any, **options: Any) -> Any:
        data = get_data(*arguments, **options)
        return bytes(data) if isinstance(data, Body) else data

    return get
