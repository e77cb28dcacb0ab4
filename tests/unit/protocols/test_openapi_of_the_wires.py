import re

import pytest

from aimass.protocols.native import openapi as native_openapi
from aimass.protocols.native import routes as native
from aimass.protocols.openinference import openapi as openinference_openapi
from aimass.protocols.openinference import routes as openinference
from aimass.protocols.status import STATUS
from aimass.protocols.tfserving import openapi as tfserving_openapi
from aimass.protocols.tfserving import routes as tfserving

WIRES = [
    (native.ROUTES, native_openapi.OPENAPI),
    (tfserving.ROUTES, tfserving_openapi.OPENAPI),
    (openinference.ROUTES, openinference_openapi.OPENAPI),
]


def operations(document):
    return [(path, method, one) for path, item in document.items() for method, one in item.items()]


@pytest.mark.parametrize(("routes", "document"), WIRES)
def test_the_document_has_the_routes_and_no_others(routes, document):
    assert {(path, method.upper()) for path, method, _ in operations(document)} == {
        (route.template, route.method) for route in routes
    }


@pytest.mark.parametrize(("routes", "document"), WIRES)
def test_every_part_of_a_path_is_a_parameter(routes, document):
    for path, _, operation in operations(document):
        assert re.findall(r"\{(\w+)\}", path) == [
            one["name"] for one in operation.get("parameters", []) if one["in"] == "path"
        ]


@pytest.mark.parametrize(("routes", "document"), WIRES)
def test_every_operation_says_what_it_does_and_only_statuses_that_exist(routes, document):
    for _, _, operation in operations(document):
        assert operation["summary"]
        assert {int(status) for status in operation["responses"]} - {200} <= set(STATUS.values())
