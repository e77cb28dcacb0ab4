"""Aliases: moved, removed, rolled back, and their history."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from aimass.bootstrap import stores
from aimass.domain.ports import PageRequest
from aimass.protocols import control
from aimass.protocols.requests import MoveAlias, RollBack
from aimass.usecases import aliases as use
from routes.call import Identifier, Json, Limit, ModelName, Token, listed, respond, tenant

router = APIGatewayHttpRouter()
Moment = Annotated[str | None, Query(max_length=40, description="ISO 8601: where it pointed then")]
Revision = Annotated[int | None, Query(ge=1, description="only if the alias is at this revision")]
_BACK = RollBack()
_ALIAS = "/api/v1/models/<model>/aliases/<alias>"


@router.get(_ALIAS, summary="Where an alias points, or pointed at a moment", tags=["registry"])
def get_alias(model: ModelName, alias: Identifier, at: Moment = None) -> Json:
    if at is not None:
        return control.alias_view(use.alias_at(stores.registry(), tenant(), model, alias, at))
    stores.registry().get_model(tenant(), model)
    return control.alias_view(stores.registry().get_alias(tenant(), model, alias))


@router.put(_ALIAS, summary="Point an alias at a ready version", tags=["registry"])
def move_alias(model: ModelName, alias: Identifier, body: MoveAlias) -> Json:
    moved = use.move_alias(stores.registry(), tenant(), model, alias, body.version, body.revision)
    return control.alias_view(moved)


@router.delete(_ALIAS, summary="Remove an alias; its history stays", tags=["registry"])
def remove_alias(model: ModelName, alias: Identifier, revision: Revision = None) -> Response[None]:
    use.remove_alias(stores.registry(), tenant(), model, alias, revision)
    return respond(204)


@router.get(f"{_ALIAS}/history", summary="An alias's moves, newest first", tags=["registry"])
def alias_history(model: ModelName, alias: Identifier, limit: Limit = 100, next_token: Token = None) -> Json:
    stores.registry().get_model(tenant(), model)
    found = use.history(stores.registry(), tenant(), model, alias, PageRequest(limit, next_token))
    return listed("moves", found, control.move_view)


@router.post(f"{_ALIAS}/rollback", summary="Point an alias at what it pointed at before", tags=["registry"])
def roll_back(model: ModelName, alias: Identifier, body: RollBack = _BACK) -> Json:
    rolled = use.roll_back(stores.registry(), tenant(), model, alias, body.revision, body.to_revision)
    return control.alias_view(rolled)
