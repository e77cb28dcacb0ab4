"""A version's model description: read, set, and brought back."""

from __future__ import annotations

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from aimass.bootstrap import stores
from aimass.protocols import control
from aimass.usecases import descriptions as use
from routes.call import Json, ModelName, Number, body_bytes, tenant

router = APIGatewayHttpRouter()
_DESCRIPTION = "/api/v1/models/<model>/versions/<version>/description"


@router.get(_DESCRIPTION, summary="What its inputs and outputs mean", tags=["registry"])
def get_description(model: ModelName, version: Number) -> Json:
    return control.description_view(use.get_description(stores.registry(), tenant(), model, version))


@router.put(_DESCRIPTION, summary="Say what its inputs and outputs mean, in YAML or JSON", tags=["registry"])
def set_description(model: ModelName, version: Number) -> Json:
    at, artifacts = stores.registry(), stores.artifacts()
    return control.description_view(use.set_description(at, artifacts, tenant(), model, version, body_bytes()))


@router.delete(_DESCRIPTION, summary="Back to what its import made of it", tags=["registry"])
def reset_description(model: ModelName, version: Number) -> Json:
    at, artifacts = stores.registry(), stores.artifacts()
    return control.description_view(use.reset_description(at, artifacts, tenant(), model, version))
