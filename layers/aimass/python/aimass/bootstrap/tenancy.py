"""Tenants: their keys, limits and calls."""

from __future__ import annotations

import json
import os
import time
from functools import cache
from typing import TYPE_CHECKING

from aimass.bootstrap import clients

if TYPE_CHECKING:
    from aimass.adapters.aws.idempotency import DynamoIdempotency
    from aimass.adapters.aws.keys import DynamoApiKeys
    from aimass.adapters.aws.registry.limits import DynamoTenantLimits
    from aimass.usecases.calls import CallMeter


@cache
def tenant_limits() -> DynamoTenantLimits:
    """What tenants were granted, or the stage's defaults."""
    from aimass.adapters.aws.registry.limits import DynamoTenantLimits
    from aimass.domain.tenants import Limits

    defaults = Limits(**json.loads(os.environ["DEFAULT_LIMITS"]))
    return DynamoTenantLimits(clients.dynamodb(), os.environ["TABLE_NAME"], defaults)


@cache
def api_keys() -> DynamoApiKeys:
    """API keys, as hashes."""
    from aimass.adapters.aws.keys import DynamoApiKeys

    return DynamoApiKeys(clients.dynamodb(), os.environ["TABLE_NAME"])


@cache
def idempotency() -> DynamoIdempotency:
    """Calls that are made once however often they are sent."""
    from aimass.adapters.aws.idempotency import DynamoIdempotency

    return DynamoIdempotency(clients.client("dynamodb"), os.environ["IDEMPOTENCY_TABLE"])


@cache
def call_meter() -> CallMeter:
    """Holds tenants to their calls a second."""
    from aimass.adapters.aws.counter import DynamoCallCounter
    from aimass.usecases.calls import CallMeter

    return CallMeter(DynamoCallCounter(clients.dynamodb(), os.environ["IDEMPOTENCY_TABLE"]), time.time)
