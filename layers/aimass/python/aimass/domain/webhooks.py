"""Webhooks: where they may go, and how they are signed (Standard Webhooks, standardwebhooks.com, version 1.0.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from aimass.domain.errors import InvalidArguments

MAX_URL = 2048
PORTS = (443, 8443)
_PREFIX = "whsec_"
_LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
# IPv6 addresses that lead to an IPv4 address somewhere: NAT64, 6to4, Teredo.
_TUNNELS = tuple(ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


@dataclass(frozen=True)
class WebhookSecret:
    """What a tenant's webhooks are signed with; `previous`, until that moment, signs them too."""

    secret: str
    created_at: str
    previous: str | None = None
    previous_until: str | None = None

    def valid(self, moment: str) -> list[str]:
        """The secrets to sign with, the newest first."""
        previous = [self.previous] if self.previous and (self.previous_until or "") > moment else []
        return [self.secret, *previous]


@dataclass(frozen=True)
class Target:
    """A webhook's URL, taken apart. `secure` is HTTPS."""

    host: str
    port: int
    path: str
    secure: bool = True


class NotDelivered(Exception):
    """The receiver could not be reached, or did not answer with 2xx; the text says which."""


def secret_of(key: bytes) -> str:
    """A key as it is handed out."""
    return _PREFIX + base64.b64encode(key).decode()


def signatures(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one `v1,<base64 of HMAC-SHA256>` a secret."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix(_PREFIX)) for secret in secrets]
    digests = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def target_of(url: str, *, loopback: bool = False) -> Target:
    """Where a webhook goes: an HTTPS URL. `loopback` lets http://127.0.0.1 and [::1] through, for one machine alone.

    Raises InvalidArguments saying what of the URL is not taken. What its name resolves to is judged at delivery.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("is no URL") from None
    if len(url) > MAX_URL or not url.isascii() or any(one <= " " or one == "\x7f" for one in url):
        raise _refused(f"must be {MAX_URL} visible ASCII characters at most")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if loopback and parts.scheme == "http" and host in _LOOPBACK:
        return Target(_LOOPBACK[host], port or 80, path, secure=False)
    if parts.scheme != "https" or not host:
        raise _refused("must be an https:// URL")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused("must hold no user, password or fragment")
    if (port or PORTS[0]) not in PORTS:
        raise _refused(f"must be on port {' or '.join(map(str, PORTS))}")
    if _address(host) and not is_public(host):
        raise _refused("must not be a private address")
    return Target(host, port or PORTS[0], path)


def is_public(address: str) -> bool:
    """Whether an IP address is anybody's on the internet: not private, local, reserved, multicast or a tunnel."""
    found = _address(address)
    if found is None or not found.is_global or found.is_multicast or found.is_reserved:
        return False
    return not any(found in network for network in _TUNNELS if network.version == found.version)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _refused(why: str) -> InvalidArguments:
    return InvalidArguments.of_fields({"webhook": why})
