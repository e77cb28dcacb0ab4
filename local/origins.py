"""Who may talk to a port on loopback: no web page from elsewhere, whatever name it makes resolve to 127.0.0.1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    code: str
    error: str


FOREIGN = Refusal(403, "foreign_origin", "requests from other web origins are refused")


def refusal(
    headers: Iterable[tuple[str, str]], port: int, *, links: bool = False, bucket_names: bool = False
) -> Refusal | None:
    """Why a request may not pass, or None. Header names are in lower case.

    `links` lets pages from elsewhere link here, where no GET changes anything. `bucket_names` also admits
    `<bucket>.localhost`, as S3 clients address a bucket on `localhost`.
    """
    hosts = []
    for name, value in headers:
        if name == "host":
            hosts.append(value)
        elif name == "origin" and not _loopback(value):
            return FOREIGN
        # A GET for an image or a form carries no Origin.
        if name == "sec-fetch-site" and value == "cross-site" and not links:
            return FOREIGN
    if len(hosts) != 1 or not _known(hosts[0], port, bucket_names):
        return Refusal(421, "unknown_host", f"only 127.0.0.1:{port} and localhost:{port} are served here")
    return None


def _known(host: str, port: int, bucket_names: bool) -> bool:
    name, colon, number = host.lower().rpartition(":")
    if not colon or not number.isdigit():
        name, number = host.lower(), "80"
    if int(number) != port:
        return False
    return name in NAMES or (bucket_names and name.endswith(".localhost"))


def _loopback(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.hostname in ("127.0.0.1", "localhost", "::1")
    except ValueError:
        return False
