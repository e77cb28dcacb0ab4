"""A tenant's limits, and what it uses of them."""

from __future__ import annotations

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from aimass.bootstrap import tenancy
from aimass.protocols import control
from routes.call import Json, tenant

router = APIGatewayHttpRouter()


@router.get("/api/v1/limits", summary="What the tenant may have, and what it has", tags=["limits"])
def get_limits() -> Json:
    limits = tenancy.tenant_limits()
    return control.limits_view(limits.limits_of(tenant()), limits.usage_of(tenant()))
