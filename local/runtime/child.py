"""Runs in a worker process, by its path: limits the process, then hands over to AWS's own runtime client.

Arguments: the parent's process id, the most data bytes, the handler, the descriptor of the channel's socket.
"""

import ctypes
import json
import os
import resource
import signal
import socket
import struct
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
OPEN_FILES = 1024  # Lambda's own limit
# As in `channel.py`, which a worker can't import.
FRAME = struct.Struct("<BII")
READY, RESULT, ERROR = 1, 2, 3


class RuntimeClient:
    """In place of the native module `runtime_client` under AWS's client, which speaks HTTP."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._began = False

    def initialize_client(self, user_agent: str) -> None:
        """The other end knows who this is."""

    def next(self) -> tuple[bytes, dict[str, Any]]:
        """The next event and its headers. A result says already that its sender is ready for more."""
        if not self._began:
            self._send(READY, b"")
            self._began = True
        _, head, body = FRAME.unpack(self._read(FRAME.size))
        headers: dict[str, Any] = json.loads(self._read(head))
        return self._read(body), headers

    def post_invocation_result(self, invoke_id: str, data: bytes, content_type: str, _: Any = None) -> None:
        self._send(RESULT, data)

    def post_error(self, invoke_id: str, error: str, xray_fault: str, _: Any = None) -> None:
        self._send(ERROR, error.encode())

    def _send(self, kind: int, body: bytes) -> None:
        start = FRAME.pack(kind, 0, len(body))
        if len(body) < 65_536:
            self._socket.sendall(start + body)
        else:
            self._socket.sendall(start)
            self._socket.sendall(body)

    def _read(self, size: int) -> bytes:
        data = bytearray(size)
        view, at = memoryview(data), 0
        while at < size:
            came = self._socket.recv_into(view[at:])
            if not came:
                os._exit(0)  # the runtime is gone
            at += came
        return bytes(data)


def read_and_write_fast() -> None:
    """By orjson, in a fifth of the time for a large body; what it does not take, by AWS's own code."""
    import orjson
    from awslambdaric.lambda_runtime_client import BaseLambdaRuntimeClient
    from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

    class Marshaller(LambdaMarshaller):  # type: ignore[misc]
        def unmarshal_request(self, request: bytes, content_type: str = "application/json") -> Any:
            try:
                return orjson.loads(request)
            except ValueError:
                return super().unmarshal_request(request, content_type)

        def marshal_response(self, response: Any) -> tuple[str | bytes, str]:
            if isinstance(response, dict):
                try:
                    return orjson.dumps(response), "application/json"
                except TypeError:
                    pass
            answer: tuple[str, str] = super().marshal_response(response)
            return answer

    BaseLambdaRuntimeClient.marshaller = Marshaller()


def main() -> None:
    parent, data_bytes, handler, descriptor = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    sys.modules["runtime_client"] = RuntimeClient(descriptor)  # type: ignore[assignment]
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    from awslambdaric.__main__ import main as serve

    read_and_write_fast()
    serve(["awslambdaric", handler])


main()
