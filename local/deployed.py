"""What is deployed, read back from the control plane: functions with their code, and the HTTP API."""

from __future__ import annotations

import io
import shutil
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.aws import client
from local.front.routes import Api, Authorizer, Route
from local.runtime.function import Function


class NothingDeployed(RuntimeError):
    """No HTTP API is deployed."""


def read_functions(endpoint: str, code: Path) -> list[Function]:
    """Unpacks each function's deployment package under `code`, once per content, and removes what was there before."""
    service = client("lambda", endpoint)
    pages = service.get_paginator("list_functions").paginate()
    functions = [_function(service, found, endpoint, code) for page in pages for found in page["Functions"]]
    for stale in set(code.iterdir()) - {function.code for function in functions}:
        shutil.rmtree(stale)
    return functions


def _function(service: Any, found: dict[str, Any], endpoint: str, code: Path) -> Function:
    return Function(
        name=found["FunctionName"],
        arn=found["FunctionArn"],
        role=found["Role"],
        handler=found["Handler"],
        memory_mb=found["MemorySize"],
        timeout_seconds=found["Timeout"],
        environment=found.get("Environment", {}).get("Variables", {}),
        code=_unpack(service, found, endpoint, code),
    )


def _unpack(service: Any, found: dict[str, Any], endpoint: str, code: Path) -> Path:
    digest = found["CodeSha256"].replace("/", "_").rstrip("=")
    target = code / f"{found['FunctionName']}-{digest[:16]}"
    if not target.exists():
        url = service.get_function(FunctionName=found["FunctionName"])["Code"]["Location"]
        package = _download(endpoint + urlsplit(url).path)
        partial = target.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        zipfile.ZipFile(io.BytesIO(package)).extractall(partial)
        partial.rename(target)
    return target


def _download(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as response:
        package: bytes = response.read()
    return package


def read_api(endpoint: str) -> Api:
    """The one HTTP API. Raises NothingDeployed."""
    service = client("apigatewayv2", endpoint)
    apis = service.get_apis()["Items"]
    if not apis:
        raise NothingDeployed("the template has no HTTP API")
    api_id = apis[0]["ApiId"]
    integrations = {i["IntegrationId"]: i for i in _items(service.get_integrations, api_id)}
    authorizers = {a["AuthorizerId"]: _authorizer(a) for a in _items(service.get_authorizers, api_id)}
    routes = []
    for found in _items(service.get_routes, api_id):
        integration = integrations[found["Target"].removeprefix("integrations/")]
        routes.append(
            Route(
                key=found["RouteKey"],
                function=_function_name(integration["IntegrationUri"]),
                timeout_seconds=integration.get("TimeoutInMillis", 30_000) / 1000,
                authorizer=authorizers.get(found.get("AuthorizerId", "")),
            )
        )
    return Api(api_id, service.get_stages(ApiId=api_id)["Items"][0]["StageName"], tuple(routes))


def _items(operation: Any, api_id: str) -> Iterator[dict[str, Any]]:
    token: dict[str, str] = {}
    while True:
        page = operation(ApiId=api_id, **token)
        yield from page["Items"]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _authorizer(found: dict[str, Any]) -> Authorizer:
    return Authorizer(
        function=_function_name(found["AuthorizerUri"]),
        identity_sources=tuple(found.get("IdentitySource", ())),
        ttl_seconds=found.get("AuthorizerResultTtlInSeconds", 300),
    )


def _function_name(uri: str) -> str:
    """From a function's ARN, bare or within an integration's URI."""
    return uri.partition(":function:")[2].partition("/")[0].partition(":")[0]
