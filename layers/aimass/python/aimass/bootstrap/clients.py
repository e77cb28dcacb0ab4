"""What speaks to AWS."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aimass.adapters.aws.signed.access import Access


@cache
def client(service: str) -> Any:
    """The SDK's, such as `client("s3")`."""
    from aimass.adapters.aws.clients import client

    return client(service)


@cache
def access() -> Access | None:
    """To AWS without an SDK, where the environment holds credentials."""
    from aimass.adapters.aws.signed.access import plain_access

    return plain_access(os.environ)


@cache
def dynamodb() -> Any:
    """For what a prediction and its authorizer read: a cold start without an SDK."""
    plain = access()
    return plain.dynamodb(lambda: client("dynamodb")) if plain else client("dynamodb")
