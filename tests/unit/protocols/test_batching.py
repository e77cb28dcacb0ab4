import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.domain.description import Batching, Description
from aimass.domain.errors import PredictionFailed, TooManyCalls
from aimass.domain.model import Measurements
from aimass.protocols.batching import batching_of
from aimass.protocols.front import Call, respond_all
from aimass.protocols.http import request_of
from tests.unit.inference.models import exclaimed, scaled, shift, two_columns
from tests.unit.inference.plane import Shelf, event, predictor
from tests.unit.sandbox.graphs import model, node, value

TOGETHER = Description(batching=Batching(max_batch=8, max_delay_ms=2.0))


def doubled():
    """Each row twice: as many rows come out as went in, times two."""
    return model([node("Concat", ["x", "x"], ["y"], axis=0)], [value("x", ["n", 2])], [value("y", ["m", 2])])


class Plane:
    """The data plane, and how many rows each run of it had."""

    def __init__(self, plane, most_rows=1000):
        self.plane = plane
        self.most_rows = most_rows
        self.runs = []

    def find_version(self, *arguments):
        return self.plane.find_version("acme", *arguments[1:])

    def prepare(self, *arguments):
        return self.plane.prepare(*arguments)

    def predict(self, tenant, asked):
        rows = len(next(iter(asked.inputs.values())))
        self.runs.append((tenant, rows))
        if rows > self.most_rows:
            raise PredictionFailed("too many rows")
        return self.plane.predict("acme", asked)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    shelf = Shelf()
    shelf.add("scaled", scaled(), description=TOGETHER)
    shelf.add("tripled", scaled(factor=3.0), description=TOGETHER)
    shelf.add("alone", scaled())
    shelf.add("people", two_columns(), description=TOGETHER)
    shelf.add("exclaimed", exclaimed(), description=TOGETHER)
    shelf.add("shift", shift(), description=TOGETHER)
    shelf.add("doubled", doubled(), description=TOGETHER)
    return predictor(shelf, tmp_path_factory.mktemp("plane"))


@pytest.fixture
def plane(real):
    return Plane(real)


def fault(error):
    raise AssertionError("a fault was reported") from error


def call(plane, name, data, tenant="acme", **arguments):
    body = {"model_name": name, "input_format": "numpy array", "data": data} | arguments
    asked = event("POST", "/predict", json.dumps(body).encode())
    asked["requestContext"]["authorizer"]["lambda"]["tenant"] = tenant
    return Call(request_of(asked), lambda: plane, fault)


def predictions(responses):
    assert [response.status for response in responses] == [200] * len(responses)
    return [json.loads(response.body)["prediction"] for response in responses]


@settings(max_examples=60)
@given(counts=st.lists(st.integers(1, 10), min_size=1, max_size=12), data=st.data())
def test_every_caller_gets_the_rows_that_a_call_alone_would_have_given(real, counts, data):
    numbers = st.integers(-(2**30), 2**30)
    calls = [
        {"age": [[data.draw(numbers)] for _ in range(rows)], "visits": [[data.draw(numbers)] for _ in range(rows)]}
        for rows in counts
    ]
    together = Plane(real)
    answers = predictions(respond_all([call(together, "people", one) for one in calls]))
    assert answers == [predictions(respond_all([call(Plane(real), "people", one)]))[0] for one in calls]
    assert [answer["seen"] for answer in answers] == [one["visits"] for one in calls]
    assert sum(rows for _, rows in together.runs) == sum(counts)
    assert all(rows <= 8 or rows in counts for _, rows in together.runs)


def test_calls_of_one_version_run_at_once(plane):
    answers = predictions(respond_all([call(plane, "scaled", [[at] * 4]) for at in range(5)]))
    assert answers == [[[2.0 * at] * 4] for at in range(5)]
    assert plane.runs == [("acme", 5)]


def test_no_run_has_more_rows_than_the_description_says(plane):
    respond_all([call(plane, "scaled", [[1] * 4] * 3) for _ in range(5)])
    assert plane.runs == [("acme", 6), ("acme", 6), ("acme", 3)]


def test_strings_run_together(plane):
    answers = predictions(respond_all([call(plane, "exclaimed", [text]) for text in ("ä", "日本", "")]))
    assert answers == [["ä!"], ["日本!"], ["!"]]
    assert plane.runs == [("acme", 3)]


def test_other_versions_and_other_tenants_run_apart(plane):
    names = ("scaled", "tripled", "scaled")
    answers = predictions(respond_all([call(plane, name, [[1] * 4]) for name in names]))
    assert answers == [[[2.0] * 4], [[3.0] * 4], [[2.0] * 4]]
    assert sorted(plane.runs) == [("acme", 1), ("acme", 2)]
    plane.runs.clear()
    predictions(respond_all([call(plane, "scaled", [[1] * 4], tenant) for tenant in ("acme", "other")]))
    assert sorted(plane.runs) == [("acme", 1), ("other", 1)]


@pytest.mark.parametrize(("name", "data"), [("alone", [[1] * 4]), ("shift", {"x": [1.0], "k": 2.0})])
def test_without_a_word_in_the_description_or_rows_in_every_input_each_runs_alone(plane, name, data):
    predictions(respond_all([call(plane, name, data)] * 3))
    assert plane.runs == [("acme", 1)] * 3


def test_a_call_that_is_wrong_is_refused_alone(plane):
    wrong = [call(plane, "scaled", [[1, 2]]), call(plane, "scaled", "x"), call(plane, "nothing", [[1] * 4])]
    responses = respond_all([call(plane, "scaled", [[1] * 4]), *wrong, call(plane, "scaled", [[2] * 4])])
    assert [response.status for response in responses] == [200, 400, 400, 404, 200]
    assert json.loads(responses[4].body)["prediction"] == [[4.0] * 4]


def test_when_a_run_of_several_fails_each_is_run_alone(real):
    plane = Plane(real, most_rows=2)
    rows = [1, 3, 1]
    responses = respond_all([call(plane, "scaled", [[1] * 4] * count) for count in rows])
    assert [response.status for response in responses] == [200, 400, 200]
    assert plane.runs == [("acme", 5), ("acme", 1), ("acme", 3), ("acme", 1)]


def test_outputs_that_have_no_row_for_each_row_are_never_split(plane):
    answers = predictions(respond_all([call(plane, "doubled", [[at, at]]) for at in range(3)]))
    assert answers == [[[at, at], [at, at]] for at in range(3)]


def test_every_call_is_counted_and_one_over_the_limit_is_refused_alone(plane):
    def refuse():
        raise TooManyCalls("too many", retry_after=1)

    calls = [call(plane, "scaled", [[1] * 4]) for _ in range(3)]
    responses = respond_all([calls[0], replace(calls[1], admit=refuse), calls[2]])
    assert [response.status for response in responses] == [200, 429, 200]
    assert plane.runs == [("acme", 2)]


def test_a_run_stays_short_whatever_the_description_allows():
    shelf = Shelf()
    version = shelf.add("scaled", scaled(), description=TOGETHER)
    assert batching_of(version) == Batching(8, 2.0)
    slow = replace(version.variants[0], measurements=Measurements(1.0, 1, 300.0, 400.0, 1, "1"))
    assert batching_of(replace(version, variants=(slow,))).max_batch == 3
    slower = replace(version.variants[0], measurements=Measurements(1.0, 1, 900.0, 999.0, 1, "1"))
    assert batching_of(replace(version, variants=(slower,))) is None


@pytest.mark.parametrize(("rows", "calls"), [(1, 8), (2, 4), (3, 2), (4, 2)])
def test_an_answer_says_how_many_calls_of_as_many_rows_fit_one_run(plane, rows, calls):
    (response,) = respond_all([call(plane, "scaled", [[1] * 4] * rows)])
    assert response.batching == Batching(calls, 2.0)


@pytest.mark.parametrize("rows", [5, 8, 20])
def test_a_call_too_large_for_company_runs_alone(plane, rows):
    (response,) = respond_all([call(plane, "scaled", [[1] * 4] * rows)])
    assert (response.status, response.batching) == (200, None)


def test_every_answer_says_how_long_its_call_took(plane):
    for response in respond_all([call(plane, "scaled", [[1] * 4])] * 2):
        assert "run;dur=" in response.headers["server-timing"]
        assert response.batching == TOGETHER.batching
