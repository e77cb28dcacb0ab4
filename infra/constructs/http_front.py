"""The HTTP API: its routes, who may pass, how fast, from which web pages, and its access log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from aws_cdk import Duration
from aws_cdk.aws_apigatewayv2 import (
    CfnStage,
    CorsHttpMethod,
    CorsPreflightOptions,
    HttpApi,
    HttpMethod,
    HttpNoneAuthorizer,
    HttpRoute,
    PayloadFormatVersion,
)
from aws_cdk.aws_apigatewayv2_authorizers import HttpLambdaAuthorizer, HttpLambdaResponseType
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_logs import LogGroup
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.constructs.service_function import ServiceFunction
from infra.routes import ROUTES, Route
from infra.settings import Stage, Throttle

# No bodies, no query strings (presigned ones hold signatures), no headers: Authorization is one.
LOGGED = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "tenant": "$context.authorizer.tenant",
    "source_ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "route": "$context.routeKey",
    "path": "$context.path",
    "status": "$context.status",
    "response_bytes": "$context.responseLength",
    "milliseconds": "$context.responseLatency",
    "function_milliseconds": "$context.integrationLatency",
    "function_error": "$context.integrationErrorMessage",
    "authorizer_error": "$context.authorizer.error",
}
ASKED = ["Authorization", "Content-Encoding", "Content-Type", "Idempotency-Key", "Inference-Header-Content-Length"]
ANSWERED = [
    *("Idempotent-Replayed", "Inference-Header-Content-Length", "Retry-After"),
    *("X-Model-Variant", "X-Model-Version"),
]


class HttpFront(Construct):
    """Answers are `functions[route.function]`'s; all but public routes need what `authorize` lets pass."""

    def __init__(
        self,
        scope: Construct,
        *,
        stage: Stage,
        key: IKey,
        functions: Mapping[str, ServiceFunction],
        authorize: ServiceFunction,
    ) -> None:
        super().__init__(scope, "front")
        self._stage = stage
        self._api = HttpApi(self, "http", api_name=stage.prefix, cors_preflight=_cors(stage))
        self.url = self._api.api_endpoint
        routes = dict(self._add_routes(functions, authorize))
        self._bound(routes, key)

    def _add_routes(
        self, functions: Mapping[str, ServiceFunction], authorize: ServiceFunction
    ) -> Iterator[tuple[Route, HttpRoute]]:
        by_key = HttpLambdaAuthorizer(
            "by_key",
            authorize.live,
            response_types=[HttpLambdaResponseType.SIMPLE],
            identity_source=["$request.header.Authorization"],
            results_cache_ttl=Duration.seconds(60),
        )
        integrations = {
            name: HttpLambdaIntegration(
                name,
                function.live,
                payload_format_version=PayloadFormatVersion.VERSION_2_0,
                scope_permission_to_route=False,
            )
            for name, function in functions.items()
        }
        for route in ROUTES:
            (added,) = self._api.add_routes(
                path=route.path,
                methods=[HttpMethod[route.method]],
                integration=integrations[route.function],
                authorizer=HttpNoneAuthorizer() if route.public else by_key,
            )
            if route.public:
                acknowledge(added, "APIG4", "probes and preflights have no key; its answer is the same for everyone")
            yield route, added

    def _bound(self, routes: Mapping[Route, HttpRoute], key: IKey) -> None:
        """Throttles and the access log are the default stage's; the API's own construct has no words for them."""
        assert self._api.default_stage is not None
        resource = self._api.default_stage.node.default_child
        assert isinstance(resource, CfnStage)
        resource.default_route_settings = _settings(self._stage.throttle)
        resource.route_settings = {
            f"{route.method} {route.path}": _as_in_a_template(throttle)
            for route in routes
            if (throttle := self._throttle(route))
        }
        for added in routes.values():
            resource.node.add_dependency(added)  # settings of a route that isn't there yet are refused
        resource.access_log_settings = CfnStage.AccessLogSettingsProperty(
            destination_arn=self._log(key).log_group_arn, format=json.dumps(LOGGED)
        )

    def _throttle(self, route: Route) -> Throttle | None:
        if route.function == "predict" and not route.public:
            return self._stage.predict_throttle
        if route.method == "POST" and route.path in ("/upload", "/api/v1/uploads"):
            return self._stage.upload_throttle
        return None

    def _log(self, key: IKey) -> LogGroup:
        return LogGroup(
            self,
            "log",
            log_group_name=f"/aws/vendedlogs/{self._stage.prefix}/access",
            retention=self._stage.log_retention,
            encryption_key=key,
            removal_policy=self._stage.removal_policy,
        )


def _settings(throttle: Throttle) -> CfnStage.RouteSettingsProperty:
    return CfnStage.RouteSettingsProperty(throttling_rate_limit=throttle.rate, throttling_burst_limit=throttle.burst)


def _as_in_a_template(throttle: Throttle) -> dict[str, int]:
    """Values of a map are handed to CloudFormation as they are."""
    return {"ThrottlingRateLimit": throttle.rate, "ThrottlingBurstLimit": throttle.burst}


def _cors(stage: Stage) -> CorsPreflightOptions | None:
    if not stage.origins:
        return None
    return CorsPreflightOptions(
        allow_origins=list(stage.origins),
        allow_methods=[CorsHttpMethod.ANY],
        allow_headers=ASKED,
        expose_headers=ANSWERED,
        max_age=Duration.hours(1),
    )
