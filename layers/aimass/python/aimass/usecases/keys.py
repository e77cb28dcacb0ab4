"""API keys: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from ulid import ULID

from aimass.domain.clock import later, now, written
from aimass.domain.errors import InvalidArguments, KeyNotFound, LastKey, LimitExceeded
from aimass.domain.names import check_name
from aimass.domain.ports import ApiKeys
from aimass.domain.tenants import ApiKey

MAX_KEYS = 100
MAX_KEY_NAME = 100
MAX_OVERLAP_SECONDS = 7 * 24 * 3600
_SHOWN = 12  # characters that tell keys apart: `aimass_` and five of 43


@dataclass(frozen=True)
class KeyHolder:
    """Whom a secret lets in, and by which key."""

    tenant: str
    key_id: str


@dataclass(frozen=True)
class NewSecret:
    """A key and its secret, which nobody can read again."""

    key: ApiKey
    secret: str


def create_key(keys: ApiKeys, tenant: str) -> str:
    """The secret of a new key for the tenant, as its operator makes it. Raises InvalidArguments for a bad name."""
    return add_key(keys, tenant, "operator").secret


def add_key(keys: ApiKeys, tenant: str, name: str, expires_at: str | None = None) -> NewSecret:
    """A new key. Raises InvalidArguments for a bad tenant or a date that is past, LimitExceeded."""
    check_name("tenant", tenant)
    moment = now()
    until = _ahead(expires_at, moment) if expires_at else None
    count = len(valid_keys(keys, tenant))
    if count >= MAX_KEYS:
        raise LimitExceeded(
            f"this tenant has {count} keys and may have {MAX_KEYS}; revoke one first",
            limit="keys",
            allowed=MAX_KEYS,
            used=count,
            asked=1,
        )
    secret = _secret()
    key = ApiKey(str(ULID()), name, secret[:_SHOWN], moment, expires_at=until)
    keys.add(tenant, key, _digest(secret))
    return NewSecret(key, secret)


def valid_keys(keys: ApiKeys, tenant: str) -> list[ApiKey]:
    """The tenant's keys that have not expired, oldest first."""
    moment = now()
    return [key for key in keys.list_keys(tenant) if not key.expires_at or key.expires_at > moment]


def rotate_key(keys: ApiKeys, tenant: str, key_id: str, overlap_seconds: int) -> NewSecret:
    """A new secret for a key; the one before works `overlap_seconds` longer. Raises KeyNotFound, Conflict."""
    before = _find(valid_keys(keys, tenant), key_id)
    secret, moment = _secret(), now()
    after = replace(before, prefix=secret[:_SHOWN], rotated_at=moment)
    old_until = later(moment, seconds=overlap_seconds)
    keys.rotate(tenant, before, after, _digest(secret), min(old_until, before.expires_at or old_until))
    return NewSecret(after, secret)


def revoke_key(keys: ApiKeys, tenant: str, key_id: str) -> None:
    """Ends a key and all its secrets. Raises KeyNotFound, LastKey, Conflict."""
    valid = valid_keys(keys, tenant)
    _find(valid, key_id)
    others = [key for key in valid if key.id != key_id]
    if not others:
        raise LastKey("this is the tenant's last key: rotate it, or make another one first", key_id=key_id)
    longest = max(others, key=lambda key: key.expires_at or "never")  # letters sort after digits
    keys.revoke(tenant, key_id, longest.id)


def end_key(keys: ApiKeys, tenant: str, key_id: str) -> None:
    """Ends a key as an operator may: the tenant's last one too. Raises KeyNotFound, Conflict."""
    keys.revoke(tenant, key_id, None)


def holder_of(keys: ApiKeys, authorization: str) -> KeyHolder | None:
    """Whom an Authorization header lets in, or None."""
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret:
        return None
    found = keys.holder_of(_digest(secret.strip()), now())
    return KeyHolder(*found) if found else None


def _find(keys: list[ApiKey], key_id: str) -> ApiKey:
    for key in keys:
        if key.id == key_id:
            return key
    raise KeyNotFound(f"no key {key_id[:64]!r}", key_id=key_id[:64])


def _ahead(text: str, moment: str) -> str:
    try:
        until = datetime.fromisoformat(text)
        told = written(until) if until.tzinfo else ""
    except (ValueError, OverflowError):
        told = ""
    if told <= moment:
        problem = f"must be a moment ahead, ISO 8601 with its zone, such as {later(moment, days=90)}"
        raise InvalidArguments.of_fields({"expires_at": problem})
    return told


def _secret() -> str:
    return f"aimass_{secrets.token_urlsafe(32)}"


def _digest(secret: str) -> str:
    # 256 random bits need no salt and no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()
