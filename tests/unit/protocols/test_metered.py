import json

import pytest

from aimass.domain.errors import TooManyCalls
from aimass.protocols.front import respond
from aimass.protocols.http import request_of
from aimass.protocols.metered import admit
from aimass.usecases.calls import CallMeter
from tests.unit.inference.plane import event as wire_event


def event(**authorized):
    return {"requestContext": {"authorizer": {"lambda": {"tenant": "acme", **authorized}}}}


class Alone:
    def add(self, tenant, second, calls):
        return calls


@pytest.fixture
def meter():
    return CallMeter(Alone(), lambda: 1000.0)


def test_the_tenant_is_held_to_the_limit_that_the_authorizer_handed_on(meter):
    for _ in range(2):
        admit(event(calls_per_second=2), lambda: meter)
    with pytest.raises(TooManyCalls):
        admit(event(calls_per_second=2), lambda: meter)


def test_a_limit_handed_on_as_text_is_that_number(meter):
    with pytest.raises(TooManyCalls):
        admit(event(calls_per_second="0"), lambda: meter)


@pytest.mark.parametrize("call", [event(), {"requestContext": {}}, {"requestContext": {"authorizer": None}}])
def test_without_a_limit_the_meter_is_never_opened(call):
    def never():
        raise AssertionError("opened")

    admit(call, never)


def test_a_call_that_is_forwarded_is_not_counted_again(meter):
    call = event(calls_per_second=1)
    admit(call, lambda: meter)
    admit(call, lambda: meter)


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/predict", {"error", "code", "details", "request_id"}),
        ("/v1/models/m:predict", {"error"}),
        ("/v2/models/m/infer", {"error"}),
    ],
)
def test_every_protocol_says_429_and_when_to_come_back_before_it_reads_the_call(meter, path, keys):
    def fail(*arguments):
        raise AssertionError("the data plane was opened")

    call = wire_event("POST", path, b"no JSON")
    call["requestContext"]["authorizer"] = {"lambda": {"tenant": "acme", "calls_per_second": 0}}
    answer = respond(request_of(call), fail, fail, admit=lambda: admit(call, lambda: meter))
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert json.loads(answer.body).keys() == keys
