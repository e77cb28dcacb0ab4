from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.constructs.http_front import ANSWERED, ASKED
from infra.settings import STAGES

ROOT = Path(__file__).parents[2]

WITH_KEY = {
    "POST /upload": "api",
    "POST /api/v1/uploads": "api",
    "GET /api/v1/uploads/{upload_id}": "api",
    "DELETE /api/v1/uploads/{upload_id}": "api",
    "POST /api/v1/uploads/{upload_id}/complete": "api",
    "GET /api/v1/models": "api",
    "GET /api/v1/models/{model}": "api",
    "PATCH /api/v1/models/{model}": "api",
    "DELETE /api/v1/models/{model}": "api",
    "POST /api/v1/models/{model}/restore": "api",
    "POST /api/v1/models/{model}/predictions": "api",
    "POST /api/v1/models/{model}/versions/{version}/compressions": "api",
    "GET /api/v1/models/{model}/versions/{version}/compressions": "api",
    "GET /api/v1/jobs/{job_id}/report": "api",
    "GET /api/v1/jobs/{job_id}/report.html": "api",
    "POST /api/v1/webhook-secret": "api",
    "GET /api/v1/jobs/{job_id}/result": "api",
    "GET /api/v1/models/{model}/versions": "api",
    "GET /api/v1/models/{model}/versions/{version}": "api",
    "PATCH /api/v1/models/{model}/versions/{version}": "api",
    "DELETE /api/v1/models/{model}/versions/{version}": "api",
    "DELETE /api/v1/models/{model}/versions/{version}/variants/{variant}": "api",
    "POST /api/v1/models/{model}/versions/{version}/restore": "api",
    "POST /api/v1/models/{model}/versions/{version}/verify": "api",
    "GET /api/v1/models/{model}/versions/{version}/download": "api",
    "GET /api/v1/models/{model}/versions/{version}/description": "api",
    "PUT /api/v1/models/{model}/versions/{version}/description": "api",
    "DELETE /api/v1/models/{model}/versions/{version}/description": "api",
    "GET /api/v1/models/{model}/aliases/{alias}": "api",
    "PUT /api/v1/models/{model}/aliases/{alias}": "api",
    "DELETE /api/v1/models/{model}/aliases/{alias}": "api",
    "GET /api/v1/models/{model}/aliases/{alias}/history": "api",
    "POST /api/v1/models/{model}/aliases/{alias}/rollback": "api",
    "GET /api/v1/jobs": "api",
    "GET /api/v1/jobs/{job_id}": "api",
    "GET /api/v1/jobs/{job_id}/log": "api",
    "POST /api/v1/jobs/{job_id}/retry": "api",
    "POST /api/v1/jobs/{job_id}/cancel": "api",
    "GET /api/v1/limits": "api",
    "GET /api/v1/keys": "api",
    "POST /api/v1/keys": "api",
    "POST /api/v1/keys/{key_id}/rotate": "api",
    "DELETE /api/v1/keys/{key_id}": "api",
    "POST /predict": "predict",
    "POST /predict/{model}": "predict",
    "ANY /v1/{proxy+}": "predict",
    "ANY /v2": "predict",
    "ANY /v2/{proxy+}": "predict",
}
PUBLIC = {
    "GET /health": "api",
    "GET /openapi.json": "api",
    "GET /v2/health/live": "predict",
    "GET /v2/health/ready": "predict",
    "OPTIONS /v1/{proxy+}": "predict",
    "OPTIONS /v2": "predict",
    "OPTIONS /v2/{proxy+}": "predict",
}
ALIASES = {"api": "apilive", "predict": "predictsmalllive", "authorize": "authorizelive"}
FUNCTIONS = {alias: name for name, alias in ALIASES.items()}


def routes(deployment):
    """Route key -> (function, authorization)."""
    integrations = {
        f"integrations/{name}": resource["Properties"]
        for name, resource in deployment.of_type("AWS::ApiGatewayV2::Integration").items()
    }
    answered = {}
    for resource in deployment.of_type("AWS::ApiGatewayV2::Route").values():
        route = resource["Properties"]
        function = FUNCTIONS[integrations[route["Target"]]["IntegrationUri"]]
        answered[route["RouteKey"]] = (function, route["AuthorizationType"], route.get("AuthorizerId"))
    return answered


def test_every_route_goes_to_its_function_and_none_is_added_unseen(dev):
    assert {key: function for key, (function, _, _) in routes(dev).items()} == WITH_KEY | PUBLIC


def test_all_but_health_and_openapi_need_a_key(dev):
    answered = routes(dev)
    assert {key for key, (_, kind, authorizer) in answered.items() if (kind, authorizer) == ("NONE", None)} == set(
        PUBLIC
    )
    assert {
        key for key, (_, kind, authorizer) in answered.items() if (kind, authorizer) == ("CUSTOM", "fronthttpbykey")
    } == set(WITH_KEY)


def test_a_key_is_checked_by_authorize_and_remembered_for_a_minute(dev):
    properties = dev.properties("AWS::ApiGatewayV2::Authorizer", "fronthttpbykey")
    assert properties["AuthorizerType"] == "REQUEST"
    assert "/authorizelive/" in properties["AuthorizerUri"]
    assert properties["IdentitySource"] == ["$request.header.Authorization"]
    assert properties["AuthorizerResultTtlInSeconds"] == 60
    assert properties["EnableSimpleResponses"] is True
    assert properties["AuthorizerPayloadFormatVersion"] == "2.0"


def test_functions_get_events_of_payload_version_2(dev):
    versions = [r["Properties"]["PayloadFormatVersion"] for r in dev.of_type("AWS::ApiGatewayV2::Integration").values()]
    assert versions == ["2.0", "2.0"]


def test_a_change_of_routes_is_live_without_a_stage_in_the_path(dev):
    (stage,) = dev.of_type("AWS::ApiGatewayV2::Stage").values()
    assert (stage["Properties"]["StageName"], stage["Properties"]["AutoDeploy"]) == ("$default", True)


@pytest.mark.parametrize("name", ALIASES)
def test_only_this_api_may_invoke_the_function(dev, name):
    (permission,) = [
        resource["Properties"]
        for resource in dev.of_type("AWS::Lambda::Permission").values()
        if resource["Properties"]["FunctionName"] == ALIASES[name]
    ]
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert ":execute-api:AWS::Region:AWS::AccountId:fronthttp/" in permission["SourceArn"]


def stage_of(deployment):
    (stage,) = deployment.of_type("AWS::ApiGatewayV2::Stage").values()
    return stage


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_every_route_is_throttled_uploads_and_predictions_by_limits_of_their_own(stage, request):
    properties = stage_of(request.getfixturevalue(stage.name))["Properties"]
    others, uploads, predictions = (
        (one.rate, one.burst) for one in (stage.throttle, stage.upload_throttle, stage.predict_throttle)
    )
    assert throttle(properties["DefaultRouteSettings"]) == others
    wanted = {"POST /upload": uploads, "POST /api/v1/uploads": uploads}
    wanted |= {key: predictions for key, function in WITH_KEY.items() if function == "predict"}
    assert {key: throttle(one) for key, one in properties["RouteSettings"].items()} == wanted


def throttle(settings):
    return settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]


def test_the_stage_waits_for_the_routes_that_it_throttles(dev):
    waits = stage_of(dev)["DependsOn"]
    assert len([name for name in waits if name.startswith("fronthttp")]) >= len(WITH_KEY | PUBLIC)


def test_the_access_log_is_json_without_anything_that_opens_a_door(dev):
    settings = stage_of(dev)["Properties"]["AccessLogSettings"]
    logged = json.loads(settings["Format"])
    assert {"request_id", "tenant", "route", "status", "milliseconds"} <= set(logged)
    assert not [value for value in logged.values() if "header" in value.lower() or "query" in value.lower()]
    assert settings["DestinationArn"] == "frontlog.Arn"
    log = dev.properties("AWS::Logs::LogGroup", "frontlog")
    assert (log["LogGroupName"], log["KmsKeyId"]) == ("/aws/vendedlogs/aimass-dev/access", "key.Arn")


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_web_pages_may_call_where_the_stage_names_their_origins(stage, request):
    api = request.getfixturevalue(stage.name).properties("AWS::ApiGatewayV2::Api", "fronthttp")
    cors = api.get("CorsConfiguration")
    if not stage.origins:
        assert cors is None
        return
    assert cors["AllowOrigins"] == list(stage.origins)
    assert "AllowCredentials" not in cors
    assert {"Authorization", "Content-Encoding", "Content-Type", "Idempotency-Key"} <= set(cors["AllowHeaders"])
    assert {"X-Model-Variant", "X-Model-Version", "Retry-After"} <= set(cors["ExposeHeaders"])


@pytest.mark.parametrize("header", [*ASKED, *ANSWERED])
def test_every_header_that_web_pages_are_told_of_is_read_or_sent(header):
    code = [path.read_text() for folder in ("functions", "layers") for path in (ROOT / folder).rglob("*.py")]
    assert any(f'"{header.lower()}"' in text.lower() for text in code)
