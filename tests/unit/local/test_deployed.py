import pytest

from local.deployed import _function_name

ARN = "arn:aws:lambda:eu-central-1:000000000000:function:aimass-dev-api"


@pytest.mark.parametrize(
    "uri",
    [
        ARN,
        f"{ARN}:live",
        f"arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{ARN}/invocations",
    ],
)
def test_an_integration_names_its_function(uri):
    assert _function_name(uri) == "aimass-dev-api"
