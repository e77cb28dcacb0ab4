"""Sends a webhook where its URL says, and nowhere inside: the one call out that a tenant can cause."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from botocore.httpsession import get_cert_path

from aimass.domain.webhooks import NotDelivered, Target, is_public

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[str, int, float], socket.socket]


def resolved(host: str, port: int) -> list[str]:
    """The host's addresses. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def connected(address: str, port: int, seconds: float) -> socket.socket:
    """A connection to an address, each of whose steps may take so long. Raises OSError."""
    return socket.create_connection((address, port), timeout=seconds)


class WebhookPost:
    """The port `WebhookSender`. The name is resolved once; the connection goes to an address that was judged."""

    def __init__(self, seconds: float = 10.0, resolve: Resolve = resolved, connect: Connect = connected) -> None:
        self._seconds = seconds
        self._resolve = resolve
        self._connect = connect

    def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> int:
        """Posts the body, and returns the status: no redirect is followed, no body read. Raises NotDelivered."""
        address = self._address(target)
        try:
            with self._connected(target, address) as connection:
                connection.request("POST", target.path, body, dict(headers))
                return connection.getresponse().status
        except ssl.SSLCertVerificationError as error:
            raise NotDelivered(f"its certificate is not valid: {error.verify_message}") from error
        except TimeoutError as error:
            raise NotDelivered(f"no answer within {self._seconds:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise NotDelivered(f"no answer: {type(error).__name__}") from error

    def _address(self, target: Target) -> str:
        if not target.secure:  # a loopback address, let through by whoever made the target
            return target.host
        try:
            addresses = self._resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise NotDelivered(f"no address is known of {target.host}") from error
        if not addresses or not all(is_public(one) for one in addresses):
            raise NotDelivered(f"{target.host} is no public address")
        return min(addresses, key=lambda one: ":" in one)  # a function has IPv4 alone

    @contextlib.contextmanager
    def _connected(self, target: Target, address: str) -> Iterator[http.client.HTTPConnection]:
        """A connection that is cut when its time is up, however slowly the other side answers."""
        plain = self._connect(address, target.port, self._seconds)
        same = plain.dup()  # encrypted, `plain` itself gives its connection away
        ends = time.monotonic() + self._seconds
        cut = threading.Timer(self._seconds, _cut, [same])
        cut.start()
        try:
            with same, plain, _encrypted(plain, target.host) if target.secure else plain as sock:
                connection = http.client.HTTPConnection(target.host, target.port)
                connection.default_port = 443 if target.secure else 80  # the header `host` names no other
                connection.sock = sock
                yield connection
            if time.monotonic() >= ends:  # headers that were cut off still read as an answer
                raise TimeoutError
        except (OSError, http.client.HTTPException):
            if time.monotonic() >= ends:
                raise TimeoutError from None
            raise
        finally:
            cut.cancel()


def _encrypted(plain: socket.socket, host: str) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=get_cert_path(verify=True))
    return context.wrap_socket(plain, server_hostname=host)


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
