"""A moved alias, through every cache between a call and its answer."""

import json
from types import SimpleNamespace

from tests.unit.inference.models import scaled
from tests.unit.inference.plane import Caller, Shelf, predictor

BODY = json.dumps({"model_name": "m", "version": "canary", "input_format": "json", "data": [[1, 1, 1, 1]]}).encode()


def test_a_moved_alias_answers_within_five_seconds_though_the_old_version_stays_open(tmp_path):
    shelf, clock = Shelf(), SimpleNamespace(now=100.0)
    shelf.add("m", scaled(factor=2.0), 1)
    shelf.add("m", scaled(factor=3.0), 2)
    shelf.aliases["m", "canary"] = 1
    caller = Caller(predictor(shelf, tmp_path, clock=lambda: clock.now))

    def answer():
        response = caller.call("POST", "/predict", BODY)
        return response.headers["x-model-version"], json.loads(response.body)["prediction"][0][0]

    assert answer() == ("1", 2.0)
    shelf.aliases["m", "canary"] = 2
    clock.now += 4.9
    assert answer() == ("2", 3.0)
    shelf.aliases["m", "canary"] = 1
    clock.now += 4.9
    reads = len(shelf.reads)
    assert answer() == ("1", 2.0)
    assert shelf.reads[reads:] == ["epoch m", "alias m canary"]
