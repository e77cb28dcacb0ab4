"""Every backend test that raw onnxruntime passes: imported by the state machine, answered over both wires.

Not called `test_...`: only `make conformance` runs it. The suite has a sample, tests/e2e/test_backend_sample.py.
"""

from __future__ import annotations

import pytest

from tests.conformance.cases import all_passed
from tests.conformance.left_out import LEFT_OUT
from tests.conformance.platform import IMPORTS, WIRES, Imports, check_answers, import_all
from tests.e2e.client import Client

pytestmark = pytest.mark.e2e

SHIPPED, PASSED = all_passed()
TENANTS = 2  # one may have a thousand models
THREADS = 6


@pytest.fixture(scope="module")
def imports(request, stack):
    clients = [Client(stack.url, stack.key(f"backend-{at}")) for at in range(TENANTS)]
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\nimporting {len(PASSED)} models, of {SHIPPED} tests that ship", flush=True)
        done: Imports = import_all(clients, list(PASSED.values()), THREADS)
    request.config.stash[IMPORTS] = done
    return done


def cases():
    for name in PASSED:
        unable = [pytest.mark.xfail(reason=LEFT_OUT[name], strict=True)] if name in LEFT_OUT else []
        yield from (pytest.param(name, wire, marks=unable, id=f"{name}-{wire}") for wire in WIRES)


@pytest.mark.parametrize(("name", "wire"), cases())
def test_it_answers_as_expected(imports, name, wire):
    check_answers(imports.client_of(name), PASSED[name], wire)
    imports.answered.add((name, wire))


def test_what_is_left_out_is_what_the_runtime_itself_passes():
    assert LEFT_OUT.keys() <= PASSED.keys()
