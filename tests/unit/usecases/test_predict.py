import numpy as np
import pytest

from aimass.domain.errors import InvalidArguments, PredictionOutOfMemory, PredictionTimeout
from aimass.domain.placement import PlacedElsewhere
from aimass.inference.dataplane import Asked
from aimass.inference.folders import ModelFolders
from aimass.inference.sessions import Sessions
from aimass.usecases.predict import Predictor
from tests.unit.inference.models import echo, scaled
from tests.unit.inference.plane import TENANT, Shelf, predictor, variant

ROW = {"x": np.ones((1, 4), np.float32)}


@pytest.fixture
def shelf():
    shelf = Shelf()
    shelf.add("m", scaled(), 1)
    shelf.add("m", scaled(factor=3.0), 2)
    shelf.add("two", echo("FP32", "INT64"))
    return shelf


def test_the_version_asked_for_answers(shelf, tmp_path):
    plane = predictor(shelf, tmp_path)
    for number, factor in ((1, 2), (2, 3)):
        found = plane.predict(TENANT, Asked(plane.find_version(TENANT, "m", number), ROW))
        assert (found.version.number, found.variant.name) == (number, "original")
        assert found.outputs[0][0].name == "y"
        assert found.outputs[0][1].tolist() == [[factor] * 4]


def test_a_model_is_fetched_and_opened_once(shelf, tmp_path):
    plane = predictor(shelf, tmp_path)
    version = plane.find_version(TENANT, "m", 1)
    for _ in range(3):
        plane.predict(TENANT, Asked(version, ROW))
    assert shelf.reads == ["epoch m", "version m 1", "artifact model.onnx"]


def test_only_the_outputs_asked_for_come_in_their_order(shelf, tmp_path):
    plane = predictor(shelf, tmp_path)
    version = plane.find_version(TENANT, "two", None)
    feed = {"x_FP32": np.ones(1, np.float32), "x_INT64": np.ones(1, np.int64)}
    assert [spec.name for spec, _ in plane.predict(TENANT, Asked(version, feed)).outputs] == ["y_FP32", "y_INT64"]
    assert [spec.name for spec, _ in plane.predict(TENANT, Asked(version, feed, ["y_INT64"])).outputs] == ["y_INT64"]
    with pytest.raises(InvalidArguments, match="no output 'z'; this model has 'y_FP32', 'y_INT64'"):
        plane.predict(TENANT, Asked(version, feed, ["z"]))


def test_missing_inputs_do_not_reach_the_runtime(shelf, tmp_path):
    plane = predictor(shelf, tmp_path)
    with pytest.raises(InvalidArguments, match="input 'x': missing"):
        plane.predict(TENANT, Asked(plane.find_version(TENANT, "m", 1), {}))
    assert "artifact model.onnx" not in shelf.reads


def test_a_call_of_another_tiers_model_is_checked_and_opens_nothing(shelf, tmp_path):
    def nothing():
        raise AssertionError("sessions were opened")

    plane = Predictor(shelf, nothing, 20, elsewhere=lambda variant: "large")
    version = plane.find_version(TENANT, "m", 1)
    with pytest.raises(InvalidArguments, match="input 'x': missing"):
        plane.predict(TENANT, Asked(version, {}))
    with pytest.raises(PlacedElsewhere) as placed:
        plane.predict(TENANT, Asked(version, ROW))
    assert placed.value.tier == "large"


def test_a_prediction_under_way_is_not_disturbed_by_a_deletion(shelf, tmp_path):
    plane = predictor(shelf, tmp_path)
    version = plane.find_version(TENANT, "m", 1)
    shelf.deleted.add("m")
    assert plane.predict(TENANT, Asked(version, ROW)).outputs[0][1].tolist() == [[2] * 4]


class Crowded:
    """A runtime in which the second session finds no memory while the first is open. A run takes `seconds`."""

    def __init__(self, seconds=0.0):
        self.log = []
        self.now = 0.0
        self.seconds = seconds

    def files_of(self, variant):
        return variant.files

    def open(self, main):
        self.log.append("open")
        return self

    def run(self, inputs, outputs, seconds):
        self.log.append(f"run {seconds:g}")
        self.now += self.seconds
        if self.log.count("open") == 2:
            raise PredictionOutOfMemory("no room")
        return [inputs["x"]]


def crowded(runtime, shelf, tmp_path):
    sessions = Sessions(runtime, ModelFolders(tmp_path, shelf, 1000_000), 1000_000)
    plane = Predictor(shelf, lambda: sessions, 20, lambda: runtime.now)
    return plane, [plane.find_version(TENANT, "m", number) for number in (1, 2)]


def test_memory_that_other_models_hold_is_given_up_and_the_prediction_runs_again(shelf, tmp_path):
    runtime = Crowded(seconds=5)
    plane, (first, second) = crowded(runtime, shelf, tmp_path)
    plane.predict(TENANT, Asked(first, ROW))
    plane.predict(TENANT, Asked(second, ROW))
    assert runtime.log == ["open", "run 20", "open", "run 20", "open", "run 15"]


def test_a_model_that_has_the_memory_to_itself_runs_once(shelf, tmp_path):
    runtime = Crowded()
    runtime.log.append("open")
    plane, (first, _) = crowded(runtime, shelf, tmp_path)
    with pytest.raises(PredictionOutOfMemory):
        plane.predict(TENANT, Asked(first, ROW))
    assert runtime.log == ["open", "open", "run 20"]


def test_running_again_does_not_prolong_the_prediction(shelf, tmp_path):
    plane, (first, second) = crowded(Crowded(seconds=25), shelf, tmp_path)
    plane.predict(TENANT, Asked(first, ROW))
    with pytest.raises(PredictionTimeout):
        plane.predict(TENANT, Asked(second, ROW))


def test_the_same_bytes_of_two_tenants_are_two_models(shelf, tmp_path):
    sessions = Sessions(Crowded(), ModelFolders(tmp_path, shelf, 1000_000), 1000_000)
    model = variant(shelf.store({"model.onnx": b"x"}))
    sessions.session("one", model)
    sessions.session("other", model)
    assert sessions.clear() == 2
