"""The way in: the HTTP API, who may pass, and the control plane."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk.aws_apigatewayv2 import HttpApi, HttpMethod, HttpNoneAuthorizer, PayloadFormatVersion
from aws_cdk.aws_apigatewayv2_authorizers import HttpLambdaAuthorizer, HttpLambdaResponseType
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.constructs.python_layer import PinnedLayer, SourceLayer
from infra.constructs.service_function import ServiceFunction
from infra.routes import ROUTES
from infra.settings import Stage
from infra.stacks.imports import ImportsStack
from infra.stacks.predict import PredictStack
from infra.stacks.storage import StorageStack


class ApiStack(Stack):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        storage: StorageStack,
        imports: ImportsStack,
        predict: PredictStack,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._storage = storage
        self._light = [SourceLayer(self), PinnedLayer(self, "deps")]
        http = self._http({"api": self._api(imports), "predict": predict.predict}, self._authorize())
        CfnOutput(self, "url", value=http.api_endpoint)

    def _api(self, imports: ImportsStack) -> ServiceFunction:
        storage = self._storage
        function = ServiceFunction(
            self,
            "api",
            stage=self._stage,
            layers=self._light,
            memory_mb=1024,
            seconds=29,
            environment={
                "TABLE_NAME": storage.table.name,
                "UPLOADS_BUCKET": storage.uploads.name,
                "ARTIFACTS_BUCKET": storage.artifacts.name,
                "IMPORT_STATE_MACHINE_ARN": imports.machine.arn,
            },
        )
        storage.table.allow_transactions(function)
        storage.uploads.allow(function, "PutObject", "AbortMultipartUpload", "ListMultipartUploadParts")
        storage.artifacts.allow(function, "GetObject", "PutObject")
        imports.machine.allow_restart(function)
        return function

    def _authorize(self) -> ServiceFunction:
        table = self._storage.table
        function = ServiceFunction(
            self,
            "authorize",
            stage=self._stage,
            layers=self._light,
            memory_mb=256,
            seconds=5,
            environment={"TABLE_NAME": table.name},
        )
        table.allow(function, "GetItem")
        return function

    def _http(self, functions: Mapping[str, ServiceFunction], authorize: ServiceFunction) -> HttpApi:
        http = HttpApi(self, "http", api_name=self._stage.prefix)
        by_key = HttpLambdaAuthorizer(
            "by_key",
            authorize.lambda_function,
            response_types=[HttpLambdaResponseType.SIMPLE],
            identity_source=["$request.header.Authorization"],
            results_cache_ttl=Duration.seconds(60),
        )
        integrations = {
            name: HttpLambdaIntegration(
                name,
                function.lambda_function,
                payload_format_version=PayloadFormatVersion.VERSION_2_0,
                scope_permission_to_route=False,
            )
            for name, function in functions.items()
        }
        for route in ROUTES:
            http.add_routes(
                path=route.path,
                methods=[HttpMethod[route.method]],
                integration=integrations[route.function],
                authorizer=HttpNoneAuthorizer() if route.public else by_key,
            )
        return http
