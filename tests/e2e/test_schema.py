"""Calls made up from the OpenAPI document: none is answered with a fault of ours, none with a status it doesn't name.

`make fuzz` runs the same for as long as one likes.
"""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

pytestmark = pytest.mark.e2e

EXAMPLES = 20  # of each operation: some 20 seconds in all
NOT_SUPPORTED = 501  # calls that a protocol knows and this service does not answer, as documented


@pytest.fixture(scope="module")
def authorized(stack):
    return {"Authorization": f"Bearer {stack.key('fuzzed')}"}


schemathesis.serializer.alias("application/x-npy", "application/octet-stream")

# A test of its own holds the published document to what the service answers under /openapi.json.
schema = schemathesis.openapi.from_path(Path(__file__).parents[2] / "docs/openapi.json")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
def test_every_operation_answers_as_documented(case, stack, authorized):
    response = case.call(base_url=stack.url, headers=authorized, timeout=60)
    checks = [status_code_conformance, response_schema_conformance]
    if response.status_code != NOT_SUPPORTED:
        checks.append(not_a_server_error)
    case.validate_response(response, checks=checks)
