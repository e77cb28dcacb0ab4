"""API keys of the tenant: listed, made, rotated, revoked."""

from __future__ import annotations

from dataclasses import asdict

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from aimass.bootstrap import tenancy
from aimass.protocols.requests import CreateKey, RotateKey
from aimass.usecases import keys as use
from routes.call import Identifier, Json, respond, tenant

router = APIGatewayHttpRouter()
_AT_ONCE = RotateKey()
_REMEMBERED = "The gateway remembers for up to 60 seconds whom a secret lets in: the old one may work that much longer."


@router.get("/api/v1/keys", summary="The tenant's API keys, without their secrets", tags=["keys"])
def list_keys() -> Json:
    return {"keys": [asdict(key) for key in use.valid_keys(tenancy.api_keys(), tenant())]}


@router.post("/api/v1/keys", summary="Make an API key; its secret is told once", tags=["keys"])
def create_key(body: CreateKey) -> Response[Json]:
    return _told(201, use.add_key(tenancy.api_keys(), tenant(), body.name, body.expires_at))


@router.post(
    "/api/v1/keys/<key_id>/rotate",
    summary="Give an API key a new secret; the old one may work on for a while",
    description=f"Only one old secret works at a time: rotating again ends the one before. {_REMEMBERED}",
    tags=["keys"],
)
def rotate_key(key_id: Identifier, body: RotateKey = _AT_ONCE) -> Response[Json]:
    return _told(200, use.rotate_key(tenancy.api_keys(), tenant(), key_id, body.overlap_seconds))


@router.delete("/api/v1/keys/<key_id>", summary="Revoke an API key", description=_REMEMBERED, tags=["keys"])
def revoke_key(key_id: Identifier) -> Response[None]:
    use.revoke_key(tenancy.api_keys(), tenant(), key_id)
    return respond(204)


def _told(status: int, new: use.NewSecret) -> Response[Json]:
    answer = respond(status, asdict(new.key) | {"secret": new.secret})
    answer.headers["Cache-Control"] = "no-store"
    return answer
