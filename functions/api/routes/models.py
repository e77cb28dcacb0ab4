"""Models: listed, described, deleted and brought back."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from aimass.bootstrap import stores
from aimass.domain.errors import VersionNotReady
from aimass.domain.names import parse_tag
from aimass.domain.ports import PageRequest
from aimass.protocols import control
from aimass.protocols.requests import DescribeModel
from aimass.usecases import models as use
from routes.call import Json, Limit, ModelName, Token, listed, respond, tenant

router = APIGatewayHttpRouter()
Tags = Annotated[list[str], Query(max_length=20, description="key:value; several must all fit")]


@router.get("/api/v1/models", summary="Models, by name", tags=["registry"])
def list_models(limit: Limit = 100, next_token: Token = None, tag: Tags = [], deleted: bool = False) -> Json:  # noqa: B006
    tags = [parse_tag(text) for text in tag]
    found = use.list_models(stores.registry(), tenant(), PageRequest(limit, next_token), tags, deleted=deleted)
    return listed("models", found, control.model_view)


@router.get("/api/v1/models/<model>", summary="A model, its aliases and its latest ready version", tags=["registry"])
def get_model(model: ModelName) -> Json:
    registry = stores.registry()
    found = registry.get_model(tenant(), model)
    try:
        latest = registry.latest_version(tenant(), model).number
    except VersionNotReady:
        latest = None
    aliases = [control.alias_view(alias) for alias in registry.list_aliases(tenant(), model)]
    return control.model_view(found) | {"latest": latest, "aliases": aliases}


@router.patch("/api/v1/models/<model>", summary="Change description and tags", tags=["registry"])
def describe_model(model: ModelName, body: DescribeModel) -> Json:
    changes = body.model_dump(exclude_unset=True)
    return control.model_view(use.describe_model(stores.registry(), tenant(), model, changes))


@router.delete("/api/v1/models/<model>", summary="Delete a model; 30 days to restore it", tags=["registry"])
def delete_model(model: ModelName, purge: bool = False) -> Response[None]:
    if purge:
        use.purge_model(stores.registry(), tenant(), model)
        return respond(202)
    use.delete_model(stores.registry(), tenant(), model)
    return respond(204)


@router.post("/api/v1/models/<model>/restore", summary="Bring a deleted model back", tags=["registry"])
def restore_model(model: ModelName) -> Json:
    return control.model_view(use.restore_model(stores.registry(), tenant(), model))
