"""Which of a version's variants answers, on every wire, alone and in company."""

import json
from dataclasses import replace

import numpy as np
import pytest

from aimass.compression.registry import PASSES
from aimass.domain.description import Batching, Description
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import Measurements
from aimass.domain.placement import PlacedElsewhere
from aimass.inference.dataplane import Asked, Texts
from aimass.protocols.batching import BY_BATCH, batching_of
from aimass.protocols.front import Call, respond_all
from aimass.protocols.http import request_of
from tests.unit.inference.described.test_text import tokenizer_of
from tests.unit.inference.models import scaled
from tests.unit.inference.plane import TENANT, Caller, Shelf, event, predictor

ROW = [1.0, 2.0, 3.0, 4.0]
TOGETHER = Description(batching=Batching(max_batch=8, max_delay_ms=2.0))
DYNAMIC = {"recipe": [{"pass": "int8_dynamic", "options": {}}]}


def version_with(shelf, serving="original", factor=3.0, config=None, memory=1):
    """`original` doubles, `int8` triples: on the shelf as `scaled`, version 1."""
    made = shelf.add("scaled", scaled(), description=TOGETHER)
    files = shelf.store({"model.onnx": scaled(factor=factor).SerializeToString()})
    original = made.variants[0]
    measured = replace(original.measurements, memory_bytes=memory)
    small = replace(original, name="int8", compressed="int8", files=files, config=config or {}, measurements=measured)
    changed = replace(made, variants=(original, small), serving_variant=serving)
    shelf.versions["scaled", 1] = changed
    return changed


@pytest.fixture
def caller(tmp_path):
    def make(serving):
        shelf = Shelf()
        version_with(shelf, serving)
        return Caller(predictor(shelf, tmp_path))

    return make


NATIVE = {"model_name": "scaled", "input_format": "numpy array", "data": [ROW]}
INFER = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": ROW}]}
WIRES = [
    ("/predict", NATIVE),
    ("/predict", NATIVE | {"compress": None}),
    ("/predict/scaled?compress=null", [ROW]),
    ("/predict/scaled", [ROW]),
    ("/v1/models/scaled:predict", {"instances": [ROW]}),
    ("/v2/models/scaled/infer", INFER),
    ("/v2/models/scaled/infer", INFER | {"parameters": {"variant": None}}),
]


@pytest.mark.parametrize(("path", "body"), WIRES)
@pytest.mark.parametrize(("serving", "factor"), [("original", 2), ("int8", 3)])
def test_a_call_that_names_no_variant_is_answered_by_the_serving_one(caller, path, body, serving, factor):
    answer = caller(serving).call("POST", path, json.dumps(body).encode())
    assert (answer.status, answer.headers["x-model-variant"], answer.facts["variant"]) == (200, serving, serving)
    assert str([factor * one for one in ROW]).replace(" ", "") in answer.body.decode().replace(" ", "")


@pytest.mark.parametrize(("name", "factor"), [("original", 2), ("int8", 3)])
@pytest.mark.parametrize("serving", ["original", "int8"])
def test_a_call_that_names_one_is_answered_by_that_whichever_serves(caller, name, factor, serving):
    for path, body in [
        ("/predict", NATIVE | {"compress": name}),
        ("/v2/models/scaled/infer", INFER | {"parameters": {"variant": name}}),
    ]:
        answer = caller(serving).call("POST", path, json.dumps(body).encode())
        assert (answer.status, answer.headers["x-model-variant"]) == (200, name)
        assert str([factor * one for one in ROW]).replace(" ", "") in answer.body.decode().replace(" ", "")


def test_the_answer_says_which_one_it_was(caller):
    body = json.loads(caller("int8").call("POST", "/predict", json.dumps(NATIVE).encode()).body)
    assert (body["variant"], body["prediction"]) == ("int8", [[3.0, 6.0, 9.0, 12.0]])


def test_the_tier_is_that_of_the_variant_that_answers(tmp_path):
    shelf = Shelf()
    version = version_with(shelf, "int8")
    plane = predictor(shelf, tmp_path, elsewhere=lambda variant, _: "large" if variant.name == "original" else None)
    inputs = {"x": np.array([ROW], np.float32)}
    assert plane.predict(TENANT, Asked(version, inputs)).variant.name == "int8"
    with pytest.raises(PlacedElsewhere):
        plane.predict(TENANT, Asked(version, inputs, variant="original"))
    with pytest.raises(PlacedElsewhere):
        plane.predict(TENANT, Asked(replace(version, serving_variant="original"), inputs))


def test_a_tokenizer_is_opened_where_the_variant_that_answers_runs(tmp_path):
    shelf = Shelf()
    version = replace(version_with(shelf, "int8"), assets=(tokenizer_of(shelf, 1),))
    asked = []
    plane = predictor(shelf, tmp_path, elsewhere=lambda variant, _: asked.append(variant.name) or "large")
    for name in (None, "int8", "original"):
        with pytest.raises(PlacedElsewhere):
            plane.prepare(TENANT, version, Texts(("good",)), name)
    assert asked == ["int8", "int8", "original"]
    with pytest.raises(InvalidArguments, match="there are: 'original', 'int8'"):
        plane.prepare(TENANT, version, Texts(("good",)), "int4")


class Plane:
    """The data plane, and which variant each run was of, with how many rows."""

    def __init__(self, plane, versions):
        self.plane = plane
        self.versions = iter(versions)
        self.runs = []

    def find_version(self, tenant, model, ref):
        return next(self.versions)

    def predict(self, tenant, asked):
        done = self.plane.predict(tenant, asked)
        self.runs.append((done.variant.name, len(next(iter(asked.inputs.values())))))
        return done


def together(tmp_path, versions, names):
    shelf, *found = versions
    plane = Plane(predictor(shelf, tmp_path), found)
    calls = []
    for name in names:
        body = NATIVE if name is None else NATIVE | {"compress": name}
        request = request_of(event("POST", "/predict", json.dumps(body).encode()))
        calls.append(Call(request, lambda: plane, lambda error: None))
    answers = [json.loads(response.body) for response in respond_all(calls)]
    return plane.runs, [(one["variant"], one["prediction"][0][0]) for one in answers]


def test_calls_of_two_variants_never_run_together_and_those_of_one_do_however_they_name_it(tmp_path):
    shelf = Shelf()
    version = version_with(shelf, "int8")
    names = (None, "original", "int8", "original", None)
    runs, answers = together(tmp_path, [shelf, *[version] * 5], names)
    assert sorted(runs) == [("int8", 3), ("original", 2)]
    assert answers == [("int8", 3.0), ("original", 2.0), ("int8", 3.0), ("original", 2.0), ("int8", 3.0)]


def test_while_what_serves_changes_each_call_is_answered_by_what_it_found(tmp_path):
    shelf = Shelf()
    before = version_with(shelf)
    after = replace(before, serving_variant="int8")
    runs, answers = together(tmp_path, [shelf, before, after, before, after], (None,) * 4)
    assert sorted(runs) == [("int8", 2), ("original", 2)]
    assert answers == [("original", 2.0), ("int8", 3.0)] * 2


def test_a_name_that_was_given_anew_is_another_variant(tmp_path):
    shelf = Shelf()
    before = version_with(shelf, "int8")
    after = version_with(shelf, "int8", factor=5.0)
    runs, answers = together(tmp_path, [shelf, before, after], (None, None))
    assert sorted(runs) == [("int8", 1), ("int8", 1)]
    assert answers == [("int8", 3.0), ("int8", 5.0)]


def test_where_activations_are_scaled_by_the_batch_every_call_runs_alone(tmp_path):
    shelf = Shelf()
    version = version_with(shelf, "int8", config=DYNAMIC)
    runs, _ = together(tmp_path, [shelf, *[version] * 4], (None, None, "original", "original"))
    assert sorted(runs) == [("int8", 1), ("int8", 1), ("original", 2)]
    assert PASSES.keys() >= BY_BATCH


def test_a_run_is_as_long_as_the_variant_that_answers_allows():
    shelf = Shelf()
    version = version_with(shelf, "int8")
    original, small = version.variants
    slow = replace(original, measurements=Measurements(1.0, 1, 300.0, 400.0, 1, "1"))
    version = replace(version, variants=(slow, small))
    assert batching_of(version).max_batch == 8
    assert batching_of(version, "original").max_batch == 3
    assert batching_of(replace(version, serving_variant="original")).max_batch == 3
    assert batching_of(version, "int4") is None
