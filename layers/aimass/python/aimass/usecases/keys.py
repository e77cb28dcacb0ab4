"""API keys: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets

from aimass.domain.clock import now
from aimass.domain.names import check_name
from aimass.domain.ports import ApiKeys


def create_key(keys: ApiKeys, tenant: str) -> str:
    """A new key for the tenant; nobody can read it again. Raises InvalidArguments for a bad tenant name."""
    check_name("tenant", tenant)
    key = f"aimass_{secrets.token_urlsafe(32)}"
    keys.add(tenant, _digest(key), now())
    return key


def tenant_of(keys: ApiKeys, authorization: str) -> str | None:
    """The tenant that an Authorization header opens, or None."""
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key:
        return None
    return keys.tenant_of(_digest(key.strip()))


def _digest(key: str) -> str:
    # 256 random bits need no salt and no slow hash: there is nothing to guess.
    return hashlib.sha256(key.encode()).hexdigest()
