import pytest

from aimass.adapters.aws.signed.access import plain_access

FUNCTION = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
}


def test_a_function_reaches_the_services_of_its_region():
    access = plain_access(FUNCTION)
    assert access.region == "eu-central-1"
    assert access.endpoints == {}


def test_one_machine_names_the_endpoint():
    given = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:8333"}
    access = plain_access(FUNCTION | given)
    assert access.endpoints == {"dynamodb": "http://127.0.0.1:4566", "s3": "http://127.0.0.1:8333"}


@pytest.mark.parametrize(
    "unusual",
    [
        {"AWS_EXECUTION_ENV": ""},
        {"AWS_REGION": ""},
        {"AWS_REGION": "cn-north-1"},
        {"AWS_REGION": "us-iso-east-1"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_CA_BUNDLE": "/bundle.pem"},
        {"HTTPS_PROXY": "http://proxy:3128"},
        {"AWS_ACCESS_KEY_ID": ""},
    ],
)
def test_what_is_unusual_is_left_to_an_sdk(unusual):
    environment = {name: value for name, value in (FUNCTION | unusual).items() if value}
    assert plain_access(environment) is None
