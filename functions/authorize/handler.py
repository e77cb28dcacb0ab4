"""The HTTP API's authorizer: an API key opens one tenant."""

from typing import Any

from aimass import bootstrap
from aimass.usecases.keys import tenant_of


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A payload 2.0 authorizer event to a simple response; its context names the tenant."""
    tenant = tenant_of(bootstrap.api_keys(), event["headers"].get("authorization", ""))
    if tenant is None:
        return {"isAuthorized": False}
    return {"isAuthorized": True, "context": {"tenant": tenant}}
