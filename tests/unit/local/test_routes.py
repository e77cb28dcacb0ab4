import pytest

from local.front.routes import Route, RouteTable

TABLE = RouteTable(
    Route(key, function=key)
    for key in (
        "$default",
        "ANY /v2/{proxy+}",
        "GET /v2/health/ready",
        "ANY /v2",
        "GET /models/{model}/versions/{version}",
        "ANY /models/{model}",
        "PUT /models/{model}",
        "GET /models/{proxy+}",
        "POST /models/special",
    )
)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/v2/health/ready", "GET /v2/health/ready", {}),
        ("POST", "/v2/health/ready", "ANY /v2/{proxy+}", {"proxy": "health/ready"}),
        ("GET", "/v2", "ANY /v2", {}),
        ("GET", "/v2/models/a/infer", "ANY /v2/{proxy+}", {"proxy": "models/a/infer"}),
        ("GET", "/v2/a%3Ab%20c", "ANY /v2/{proxy+}", {"proxy": "a:b c"}),
        ("PUT", "/models/m", "PUT /models/{model}", {"model": "m"}),
        ("GET", "/models/m", "ANY /models/{model}", {"model": "m"}),
        ("POST", "/models/special", "POST /models/special", {}),
        ("GET", "/models/a%2Fb/versions/3", "GET /models/{model}/versions/{version}", {"model": "a/b", "version": "3"}),
        ("GET", "/models/m/versions", "GET /models/{proxy+}", {"proxy": "m/versions"}),
        ("GET", "/models/", "GET /models/{proxy+}", {"proxy": ""}),
        ("POST", "/models/m/versions/3", "$default", {}),
        ("GET", "/", "$default", {}),
    ],
)
def test_the_most_specific_route_takes_the_request(method, path, key, parameters):
    found = TABLE.match(method, path)
    assert found is not None
    assert (found[0].key, found[1]) == (key, parameters)


def test_without_a_default_an_unknown_path_has_no_route():
    table = RouteTable([Route("GET /health", "api")])
    assert table.match("GET", "/nope") is None
    assert table.match("POST", "/health") is None
    assert table.match("GET", "/health/") is None
