import numpy as np
import pytest

from aimass.domain.model import TensorSpec, Version
from aimass.inference.classes import classify
from aimass.inference.dataplane import Prediction

LABEL = TensorSpec("label", "INT64", (-1,), "tensor(int64)")
SCORES = TensorSpec("scores", "FP32", (-1, -1), "tensor(float)")
ZIPMAP = TensorSpec("scores", "BYTES", (1,), "seq(map(int64,tensor(float)))")
CERTAIN = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)


def classes_of(*outputs, labels=(), own=None):
    version = Version("m", 1, "ready", "job", "now", "m.onnx", labels=labels, own_classes=own)
    return classify(Prediction(version, None, outputs))


def test_a_model_that_gives_labels_and_probabilities_is_a_classifier():
    found = classes_of((LABEL, np.array([0, 1])), (SCORES, CERTAIN))
    assert found.labels == [0, 1]
    assert found.probabilities is CERTAIN
    assert found.classes is None


def test_zipmaps_maps_become_a_matrix_with_their_keys_as_classes():
    found = classes_of((LABEL, np.array([7])), (ZIPMAP, [{3: 0.25, 7: 0.75}]))
    assert (found.labels, found.classes) == ([7], [3, 7])
    assert found.probabilities.tolist() == [[0.25, 0.75]]


def test_the_versions_labels_name_the_models_class_numbers():
    found = classes_of((LABEL, np.array([0, 1])), (SCORES, CERTAIN), labels=("ham", "spam"))
    assert (found.labels, found.classes) == (["ham", "spam"], ["ham", "spam"])


def test_the_highest_column_of_the_only_output_is_the_label():
    found = classes_of((SCORES, CERTAIN), labels=("ham", "spam"))
    assert (found.labels, found.classes) == (["ham", "spam"], ["ham", "spam"])
    assert found.probabilities is CERTAIN


@pytest.mark.parametrize("logits", [[[-2.0, 3.0]], [[0.9, 0.9]], [[float("nan"), 1.0]]])
def test_scores_that_are_no_distribution_are_not_called_probabilities(logits):
    assert classes_of((SCORES, np.array(logits, np.float32)), labels=("a", "b")).probabilities is None


def test_an_output_of_another_width_than_the_labels_is_no_classifier():
    assert classes_of((SCORES, CERTAIN), labels=("a", "b", "c")) is None
    assert classes_of((SCORES, CERTAIN)) is None


def test_numbers_beside_an_embedding_are_no_labels():
    assert classes_of((LABEL, np.array([4, 5])), (SCORES, CERTAIN * 10)) is None


def test_a_row_of_nan_has_no_label():
    scores = np.array([[np.nan, 0.5], [0.2, 0.8], [np.nan, np.nan]], np.float32)
    assert classes_of((SCORES, scores), labels=("ham", "spam")).labels == [None, "spam", None]


def test_a_label_follows_the_names_where_a_description_renamed_the_classes():
    own = TensorSpec("label", "BYTES", (-1,), "tensor(string)")
    texts = np.array(["no", "yes"], object)
    assert classes_of((own, texts), (SCORES, CERTAIN), labels=("a", "b")).labels == ["a", "b"]
    assert classes_of((LABEL, np.array([1, 2])), (SCORES, CERTAIN), labels=("a", "b")).labels == ["a", "b"]
    maps = [{"no": 0.9, "yes": 0.1}, {"no": 0.2, "yes": 0.8}]
    named = classes_of((own, texts), (ZIPMAP, maps), labels=("a", "b"))
    assert (named.labels, named.classes) == (["a", "b"], ["a", "b"])


def test_a_model_s_own_label_stays_where_it_is_one_of_the_names():
    undecided = np.array([[0.5, 0.5], [0.6, 0.4]], np.float32)
    found = classes_of((LABEL, np.array([2, 2])), (SCORES, undecided), labels=("1", "2"))
    assert (found.labels, found.classes) == (["2", "2"], ["1", "2"])


@pytest.mark.parametrize(
    ("own", "labels"),
    [((), [1, 1, 0]), (("1", "2"), [2, 2, 1]), (("3", "-7"), [-7, -7, 3]), (("no", "yes"), ["yes", "yes", "no"])],
)
def test_a_renamed_label_is_the_models_own_where_it_does_not_answer_its_highest_column(own, labels):
    texts = isinstance(labels[0], str)
    spec = TensorSpec("label", "BYTES" if texts else "INT64", (-1,), "tensor(string)" if texts else "tensor(int64)")
    scores = np.array([[0.6, 0.4], [0.2, 0.8], [0.7, 0.3]], np.float32)
    found = classes_of(
        (spec, np.array(labels, object if texts else np.int64)), (SCORES, scores), labels=("a", "b"), own=own
    )
    assert (found.labels, found.classes) == (["b", "b", "a"], ["a", "b"])


def test_a_name_that_is_another_class_s_own_is_given_by_place():
    found = classes_of((LABEL, np.array([1, 1])), (SCORES, CERTAIN), labels=("1", "x"), own=("0", "1"))
    assert found.labels == ["x", "x"]


@pytest.mark.parametrize("own", [("0", "1", "2"), ("5", "6"), None])
def test_the_highest_column_is_named_where_the_own_classes_are_not_known(own):
    assert classes_of((LABEL, np.array([1, 1])), (SCORES, CERTAIN), labels=("a", "b"), own=own).labels == ["a", "b"]
