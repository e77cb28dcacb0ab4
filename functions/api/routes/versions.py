"""Versions: listed, described, downloaded, verified again, deleted and brought back."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from aimass.bootstrap import importing, stores
from aimass.domain.model import Version
from aimass.domain.names import parse_tag
from aimass.domain.ports import PageRequest
from aimass.protocols import control
from aimass.protocols.requests import DescribeVersion
from aimass.usecases import versions as use
from aimass.usecases.download import downloads
from aimass.usecases.variants import change_version, remove_variant
from routes.call import Json, Limit, ModelName, Number, Token, accepted, listed, respond, tenant

router = APIGatewayHttpRouter()
State = Annotated[str, Query(pattern="^(ready|stored|importing|failed|deleted|all)$")]
Tag = Annotated[str | None, Query(max_length=200, description="key:value")]
Variant = Annotated[str, Query(max_length=100, description="source is the upload, as it came")]
VariantName = Annotated[str, Path(max_length=100)]
_VERSION = "/api/v1/models/<model>/versions/<version>"


@router.get("/api/v1/models/<model>/versions", summary="A model's versions, newest first", tags=["registry"])
def list_versions(
    model: ModelName, state: State = "ready", tag: Tag = None, limit: Limit = 100, next_token: Token = None
) -> Json:
    found = use.list_versions(
        stores.registry(),
        tenant(),
        model,
        PageRequest(limit, next_token),
        state=None if state == "all" else state,
        tag=parse_tag(tag) if tag else None,
    )
    return listed("versions", found, control.version_summary)


@router.get(_VERSION, summary="A version's record", tags=["registry"])
def get_version(model: ModelName, version: Number) -> Json:
    return _view(use.get_version(stores.registry(), tenant(), model, version))


@router.patch(_VERSION, summary="Change label, notes, tags and the variant that answers", tags=["registry"])
def describe_version(model: ModelName, version: Number, body: DescribeVersion) -> Json:
    changes = body.model_dump(exclude_unset=True)
    return _view(change_version(stores.registry(), tenant(), model, version, changes))


@router.delete(_VERSION, summary="Delete a version; 30 days to restore it", tags=["registry"])
def delete_version(model: ModelName, version: Number, purge: bool = False) -> Response[None]:
    if purge:
        use.purge_version(stores.registry(), stores.artifact_index(), tenant(), model, version)
    else:
        use.delete_version(stores.registry(), tenant(), model, version)
    return respond(204)


@router.delete(f"{_VERSION}/variants/<variant>", summary="Remove a compressed variant", tags=["registry"])
def delete_variant(model: ModelName, version: Number, variant: VariantName) -> Response[None]:
    remove_variant(stores.registry(), stores.artifact_index(), tenant(), model, version, variant)
    return respond(204)


@router.post(f"{_VERSION}/restore", summary="Bring a deleted version back", tags=["registry"])
def restore_version(model: ModelName, version: Number) -> Json:
    return _view(use.restore_version(stores.registry(), tenant(), model, version))


@router.get(f"{_VERSION}/download", summary="Where its files can be downloaded, for an hour", tags=["registry"])
def download(model: ModelName, version: Number, variant: Variant = "original") -> Json:
    return downloads(stores.registry(), stores.artifacts(), tenant(), model, version, variant)


@router.post(f"{_VERSION}/verify", summary="Verify it again, as after an upgrade of onnxruntime", tags=["registry"])
def verify(model: ModelName, version: Number) -> Response[Json]:
    from aimass.usecases.reverify import request_verification

    return respond(202, accepted(request_verification(importing.imports(), tenant(), model, version)))


def _view(version: Version) -> Json:
    return control.version_view(tenant(), version, stores.artifacts())
