"""What carries invocations to a worker and results back: frames over a socket pair, where Lambda has two HTTP calls.

A frame is its kind, the lengths of its head and its body, then both; `child.py` has the other end.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from typing import cast

FRAME = struct.Struct("<BII")
INVOKE, READY, RESULT, ERROR = range(4)

#: Hears the kind of a frame, its body, and how long that is: of one beyond the limit the bytes were dropped.
Heard = Callable[[int, bytes, int], None]


class Channel(asyncio.Protocol):
    """The runtime's end. A body over `most_bytes`, as they are when it begins, is read and dropped."""

    def __init__(self, heard: Heard, most_bytes: Callable[[], int]) -> None:
        self._heard = heard
        self._most_bytes = most_bytes
        self._buffer = bytearray()
        self._left = 0
        self._kind = READY
        self._size = 0
        self._kept = True
        self._transport: asyncio.Transport

    @classmethod
    async def open(cls, heard: Heard, most_bytes: Callable[[], int]) -> tuple[Channel, socket.socket]:
        """The runtime's end, and the socket that is the worker's."""
        ours, theirs = socket.socketpair()
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_unix_connection(lambda: cls(heard, most_bytes), sock=ours)
        return channel, theirs

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._advance():
            pass

    def invoke(self, head: dict[str, str | int], body: bytes) -> None:
        """Hands an invocation over."""
        text = json.dumps(head).encode()
        self._transport.writelines([FRAME.pack(INVOKE, len(text), len(body)), text, body])

    def close(self) -> None:
        self._transport.close()

    def _advance(self) -> bool:
        """Takes what has come of the frame under way; whether there is more to take."""
        if not self._left:
            if len(self._buffer) < FRAME.size:
                return False
            self._kind, _, self._size = FRAME.unpack_from(self._buffer)
            del self._buffer[: FRAME.size]
            self._left = self._size
            self._kept = self._size <= self._most_bytes()
        if self._kept:
            if len(self._buffer) < self._size:
                return False
            body = bytes(self._buffer[: self._size])
            del self._buffer[: self._size]
            self._left = 0
        else:
            dropped = min(self._left, len(self._buffer))
            del self._buffer[:dropped]
            self._left -= dropped
            if self._left:
                return False
            body = b""
        self._heard(self._kind, body, self._size)
        return True
