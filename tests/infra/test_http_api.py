from __future__ import annotations

import pytest

WITH_KEY = {
    "POST /upload": "api",
    "POST /api/v1/uploads": "api",
    "GET /api/v1/uploads/{upload_id}": "api",
    "DELETE /api/v1/uploads/{upload_id}": "api",
    "POST /api/v1/uploads/{upload_id}/complete": "api",
    "GET /api/v1/models": "api",
    "GET /api/v1/models/{model}": "api",
    "GET /api/v1/models/{model}/versions": "api",
    "GET /api/v1/models/{model}/versions/{version}": "api",
    "GET /api/v1/models/{model}/aliases/{alias}": "api",
    "PUT /api/v1/models/{model}/aliases/{alias}": "api",
    "GET /api/v1/jobs": "api",
    "GET /api/v1/jobs/{job_id}": "api",
    "POST /api/v1/jobs/{job_id}/retry": "api",
    "POST /predict": "predict",
    "ANY /v1/{proxy+}": "predict",
    "ANY /v2": "predict",
    "ANY /v2/{proxy+}": "predict",
}
PUBLIC = {
    "GET /health": "api",
    "GET /openapi.json": "api",
    "GET /v2/health/live": "predict",
    "GET /v2/health/ready": "predict",
}


def routes(deployment):
    """Route key -> (function, authorization)."""
    integrations = {
        f"integrations/{name}": resource["Properties"]
        for name, resource in deployment.of_type("AWS::ApiGatewayV2::Integration").items()
    }
    answered = {}
    for resource in deployment.of_type("AWS::ApiGatewayV2::Route").values():
        route = resource["Properties"]
        function = integrations[route["Target"]]["IntegrationUri"].removesuffix("function.Arn")
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
        key for key, (_, kind, authorizer) in answered.items() if (kind, authorizer) == ("CUSTOM", "httpbykey")
    } == set(WITH_KEY)


def test_a_key_is_checked_by_authorize_and_remembered_for_a_minute(dev):
    properties = dev.properties("AWS::ApiGatewayV2::Authorizer", "httpbykey")
    assert properties["AuthorizerType"] == "REQUEST"
    assert "authorizefunction.Arn" in properties["AuthorizerUri"]
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


@pytest.mark.parametrize("name", ["api", "predict", "authorize"])
def test_only_this_api_may_invoke_the_function(dev, name):
    (permission,) = [
        resource["Properties"]
        for resource in dev.of_type("AWS::Lambda::Permission").values()
        if resource["Properties"]["FunctionName"] == f"{name}function.Arn"
    ]
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert ":http/" in permission["SourceArn"]
