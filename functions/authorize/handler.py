"""The HTTP API's authorizer: an API key opens one tenant."""

from typing import Any

from aimass.bootstrap import tenancy
from aimass.usecases.keys import holder_of


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A payload 2.0 authorizer event to a simple response.

    Its context names the tenant, the key and, where the tenant has such a limit, its calls a second; the gateway hands
    it on with every call for as long as it remembers the answer.
    """
    holder = holder_of(tenancy.api_keys(), event["headers"].get("authorization", ""))
    if holder is None:
        return {"isAuthorized": False}
    known: dict[str, str | int] = {"tenant": holder.tenant, "key_id": holder.key_id}
    calls_per_second = tenancy.tenant_limits().limits_of(holder.tenant).calls_per_second
    if calls_per_second is not None:
        known |= {"calls_per_second": calls_per_second}
    return {"isAuthorized": True, "context": known}
