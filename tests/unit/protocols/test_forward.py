import gzip
import json

import pytest

from aimass.domain.errors import CapacityExhausted, PredictionOutOfMemory
from aimass.domain.placement import PlacedElsewhere
from aimass.protocols.front import respond
from aimass.protocols.http import HttpResponse, coded, proxy_answer, request_of
from tests.unit.inference.models import scaled
from tests.unit.inference.plane import Shelf, event, predictor

RUNS = {
    "/predict": {"model_name": "m", "input_format": "json", "data": [[1, 2, 3, 4]]},
    "/v1/models/m:predict": {"instances": [[1, 2, 3, 4]]},
    "/v2/models/m/infer": {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]},
}
DONE = HttpResponse(200, b'{"y": "\xc3\xa9"}', {"content-type": "application/json", "x-model-version": "7"})
SHORT = HttpResponse(507, b'{"error": "told by the tier"}', {"content-type": "application/json"})


class Tiers:
    """Tiers that answer as they are told: a response, or an error to raise."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    @property
    def largest(self):
        return list(self.answers)[-1] if self.answers else None

    def ask(self, tier):
        self.asked.append(tier)
        answer = self.answers[tier]
        if isinstance(answer, Exception):
            raise answer
        return proxy_answer(answer)


class Plane:
    """A data plane whose predictions raise `error`."""

    def __init__(self, error):
        shelf = Shelf()
        self.version = shelf.add("m", scaled())
        self.error = error

    def find_version(self, tenant, model, ref):
        return self.version

    def predict(self, tenant, asked):
        raise self.error


def fail(*arguments):
    raise AssertionError(arguments)


def call(plane, tiers, path="/predict", body=None):
    data = json.dumps(body or RUNS[path]).encode()
    return respond(request_of(event("POST", path, data)), lambda: plane, fail, lambda: tiers)


@pytest.mark.parametrize("path", RUNS)
def test_a_prediction_of_another_tiers_model_is_answered_by_that_tier_unchanged(path):
    tiers = Tiers(medium=DONE, large=fail)
    found = call(Plane(PlacedElsewhere("medium")), tiers, path)
    assert proxy_answer(found) == proxy_answer(DONE)
    assert found.facts == {"forwarded": "medium"}
    assert tiers.asked == ["medium"]


def test_a_binary_answer_comes_through_unchanged():
    binary = HttpResponse(200, bytes(range(256)), {"content-type": "application/octet-stream"})
    assert proxy_answer(call(Plane(PlacedElsewhere("large")), Tiers(large=binary))) == proxy_answer(binary)


@pytest.mark.parametrize("path", ["/v2/models/m", "/v2/models/m/ready", "/v1/models/m", "/v2", "/v2/health/ready"])
def test_what_runs_no_model_is_answered_here(path, tmp_path):
    shelf = Shelf()
    shelf.add("m", scaled())
    plane = predictor(shelf, tmp_path, elsewhere=lambda variant, assets: "large")
    assert respond(request_of(event("GET", path)), lambda: plane, fail, fail).status == 200


def test_a_malformed_call_is_refused_here(tmp_path):
    shelf = Shelf()
    shelf.add("m", scaled())
    plane = predictor(shelf, tmp_path, elsewhere=lambda variant, assets: "large")
    tiers = Tiers(large=fail)
    assert call(plane, tiers, body=RUNS["/predict"] | {"data": [["x"] * 4]}).status == 400
    assert tiers.asked == []


@pytest.mark.parametrize("error", [PredictionOutOfMemory("no room"), MemoryError()])
def test_a_prediction_that_finds_no_memory_here_is_answered_by_the_largest_tier(error):
    tiers = Tiers(medium=fail, large=DONE)
    assert call(Plane(error), tiers).status == 200
    assert tiers.asked == ["large"]


@pytest.mark.parametrize("short", [SHORT, PredictionOutOfMemory("killed")])
def test_a_tier_that_runs_out_of_memory_hands_over_to_the_largest_once(short):
    tiers = Tiers(medium=short, large=DONE)
    assert call(Plane(PlacedElsewhere("medium")), tiers).status == 200
    assert tiers.asked == ["medium", "large"]
    tiers = Tiers(medium=short, large=SHORT)
    assert call(Plane(PlacedElsewhere("medium")), tiers).body == SHORT.body
    assert tiers.asked == ["medium", "large"]


def test_the_largest_tier_that_runs_out_of_memory_says_so():
    assert call(Plane(PlacedElsewhere("large")), Tiers(large=SHORT)).body == SHORT.body
    assert call(Plane(PredictionOutOfMemory("no room")), Tiers()).status == 507


@pytest.mark.parametrize("path", RUNS)
def test_a_tier_without_capacity_is_told_in_the_protocols_shape_with_when_to_call_again(path):
    tiers = Tiers(large=CapacityExhausted("all in use", tier="large", retry_after=2))
    found = call(Plane(PlacedElsewhere("large")), tiers, path)
    assert (found.status, found.headers["retry-after"]) == (503, "2")
    assert json.loads(found.body)["error"] == "all in use"
    assert found.facts == {"code": "capacity_exhausted"}


def test_a_fault_of_another_tier_is_reported_and_not_shown():
    faults = []
    request = request_of(event("POST", "/predict", json.dumps(RUNS["/predict"]).encode()))
    tiers = Tiers(large=RuntimeError("secret"))
    found = respond(request, lambda: Plane(PlacedElsewhere("large")), faults.append, lambda: tiers)
    assert found.status == 500
    assert b"secret" not in found.body
    assert [str(one) for one in faults] == ["secret"]


def test_an_answer_that_the_tier_coded_goes_out_coded():
    plain = HttpResponse(200, b"[" + b"1," * 5000 + b"1]", {"content-type": "application/json"})
    asking = request_of(event("POST", "/predict", b"{}", {"accept-encoding": "gzip"}))
    packed = coded(plain, asking)
    found = call(Plane(PlacedElsewhere("medium")), Tiers(medium=packed, large=fail))
    assert proxy_answer(found) == proxy_answer(packed)
    assert gzip.decompress(found.body) == plain.body
