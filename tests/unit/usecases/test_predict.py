import numpy as np
import pytest
from onnx import TensorProto

from aimass.domain.description import Batching, Description
from aimass.domain.errors import (
    InvalidArguments,
    PayloadTooLarge,
    PredictionFailed,
    PredictionOutOfMemory,
    PredictionTimeout,
)
from aimass.domain.placement import PlacedElsewhere
from aimass.inference.dataplane import Asked
from aimass.inference.folders import ModelFolders
from aimass.inference.sessions import Sessions
from aimass.usecases.predict import Predictor
from tests.unit.inference.models import classifier, echo, scaled
from tests.unit.inference.plane import TENANT, Shelf, predictor, variant
from tests.unit.sandbox.graphs import model, node, value, weight

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


def test_a_data_plane_that_finds_in_another_way_is_the_same_otherwise(shelf, tmp_path):
    plane = predictor(shelf, tmp_path)
    pinned = plane.finding(lambda tenant, model, ref: plane.find_version(tenant, model, 1)).within(20)
    assert pinned.find_version(TENANT, "m", 2).number == 1
    assert plane.find_version(TENANT, "m", 2).number == 2
    pinned.predict(TENANT, Asked(pinned.find_version(TENANT, "m", None), ROW))
    assert plane.all_statistics(TENANT).keys() == {("m", 1)}


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

    plane = Predictor(shelf, nothing, 20, elsewhere=lambda variant, assets: "large")
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
    shared = variant(shelf.store({"model.onnx": b"x"}))
    sessions.session("one", shared)
    sessions.session("other", shared)
    assert sessions.clear() == 2


def fixed(factor=2.0, batch=2):
    return model(
        [node("Mul", ["x", "factor"], ["y"])],
        [value("x", [batch, 4])],
        [value("y", [batch, 4])],
        [weight("factor", np.array(factor, np.float32))],
    )


def rows(count):
    return np.arange(count * 4, dtype=np.float32).reshape(count, 4)


@pytest.mark.parametrize("count", [2, 4, 10])
def test_a_larger_batch_than_a_fixed_one_runs_in_several_and_is_joined(shelf, tmp_path, count):
    version = shelf.add("fixed", fixed())
    found = predictor(shelf, tmp_path).predict(TENANT, Asked(version, {"x": rows(count)}))
    np.testing.assert_array_equal(found.outputs[0][1], rows(count) * 2)


def test_rows_that_do_not_influence_each_other_may_be_any_number(shelf, tmp_path):
    version = shelf.add("fixed", fixed(), description=Description(batching=Batching(max_batch=8)))
    plane = predictor(shelf, tmp_path)
    for count in (1, 3, 7):
        found = plane.predict(TENANT, Asked(version, {"x": rows(count)}))
        np.testing.assert_array_equal(found.outputs[0][1], rows(count) * 2)
    counted = plane.statistics(TENANT, version)
    assert (counted.success.count, counted.inferences, counted.executions) == (3, 11, 7)


def test_rows_that_fill_no_fixed_batch_open_nothing(shelf, tmp_path):
    version = shelf.add("fixed", fixed())
    with pytest.raises(InvalidArguments, match="wants batches of 2 rows, got 3; send a multiple of 2"):
        predictor(shelf, tmp_path).predict(TENANT, Asked(version, {"x": rows(3)}))
    assert "artifact model.onnx" not in shelf.reads


def test_all_batches_share_one_deadline(shelf, tmp_path):
    version = shelf.add("fixed", fixed())
    runtime = Crowded(seconds=8)
    plane, _ = crowded(runtime, shelf, tmp_path)
    with pytest.raises(PredictionTimeout, match="3 of the 5 batches took all of this call's time"):
        plane.predict(TENANT, Asked(version, {"x": rows(10)}))
    assert runtime.log == ["open", "run 20", "run 12", "run 4"]


def test_batches_that_take_longer_than_a_call_has_open_nothing(shelf, tmp_path):
    version = shelf.add("fixed", fixed())
    plane = predictor(shelf, tmp_path, seconds=2)
    with pytest.raises(
        PayloadTooLarge, match=r"5002 rows are 2501 batches of 2 rows, about 2\.5 s, and a call has 2 s"
    ):
        plane.predict(TENANT, Asked(version, {"x": rows(5002)}))
    with pytest.raises(PayloadTooLarge, match=r"a call has 0\.5 s"):
        plane.within(0.5).predict(TENANT, Asked(version, {"x": rows(2000)}))
    assert "artifact model.onnx" not in shelf.reads


def test_zipmaps_maps_of_several_batches_are_joined(shelf, tmp_path):
    graph = classifier(zipmap=True)
    graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 3
    graph.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 3
    version = shelf.add("iris", graph)
    flowers = np.tile(np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.1, 5.6, 2.4]], np.float32), (3, 1))
    found = predictor(shelf, tmp_path).predict(TENANT, Asked(version, {"X": flowers}))
    labels, scores = (one for _, one in found.outputs)
    assert labels.tolist() == [0, 2] * 3
    assert [max(row, key=row.get) for row in scores] == [0, 2] * 3


def test_inputs_of_different_lengths_that_the_runtime_refuses_are_told_apart(shelf, tmp_path):
    joined = model(
        [node("Concat", ["age", "visits"], ["y"], axis=1)],
        [value("age", ["n", 1]), value("visits", ["m", 1])],
        [value("y", ["k", 2])],
    )
    version = shelf.add("joined", joined)
    feed = {name: np.ones((count, 1), np.float32) for name, count in (("age", 2), ("visits", 3))}
    with pytest.raises(
        PredictionFailed, match=r"^inputs have different numbers of rows: 'age' 2, 'visits' 3; the runtime"
    ):
        predictor(shelf, tmp_path).predict(TENANT, Asked(version, feed))


def test_an_unknown_variant_is_refused_with_those_there_are(shelf, tmp_path):
    version = shelf.versions["m", 1]
    with pytest.raises(InvalidArguments, match="version 1 has no variant \"int8\"; there are: 'original'") as caught:
        predictor(shelf, tmp_path).predict(TENANT, Asked(version, ROW, variant="int8"))
    assert caught.value.details["fields"].keys() == {"compress"}


def test_what_the_runtime_refuses_is_told_with_what_came(shelf, tmp_path):
    pairs = model(
        [node("Reshape", ["x", "pairs"], ["y"])],
        [value("x", ["n"])],
        [value("y", ["m", 2])],
        [weight("pairs", np.array([-1, 2]))],
    )
    version = shelf.add("pairs", pairs)
    plane = predictor(shelf, tmp_path)
    with pytest.raises(
        PredictionFailed, match=r"^the runtime.*; input 'x' wants FP32 of shape \[-1\], got shape \[3\]$"
    ):
        plane.predict(TENANT, Asked(version, {"x": np.ones(3, np.float32)}))
    assert plane.statistics(TENANT, version).fail.count == 1


def test_the_repository_is_what_the_tenant_can_see(shelf, tmp_path):
    plane = predictor(shelf, tmp_path)
    assert [(one.model, one.number) for one in plane.repository(TENANT)] == [("m", 1), ("m", 2), ("two", 1)]
    assert [one.number for one in plane.versions_of(TENANT, "m")] == [2, 1]
    assert list(plane.repository("other")) == []


def test_an_unknown_category_is_no_matter_of_shapes(shelf, tmp_path):
    encoder = node("OneHotEncoder", ["c"], ["y"], domain="ai.onnx.ml", cats_strings=["a", "b"], zeros=0)
    graph = model([encoder], [value("c", ["n", 1], TensorProto.STRING)], [value("y", ["n", 1, 2])],
                  opset={"": 17, "ai.onnx.ml": 1})  # fmt: skip
    version = shelf.add("colors", graph)
    with pytest.raises(PredictionFailed, match=r"^a category that the model does not know came: ") as refused:
        predictor(shelf, tmp_path).predict(TENANT, Asked(version, {"c": np.array([["q"]], object)}))
    assert "shape" not in refused.value.message
