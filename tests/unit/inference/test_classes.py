import numpy as np
import pytest

from aimass.domain.model import TensorSpec, Version
from aimass.inference.classes import classify
from aimass.inference.dataplane import Prediction

LABEL = TensorSpec("label", "INT64", (-1,), "tensor(int64)")
SCORES = TensorSpec("scores", "FP32", (-1, -1), "tensor(float)")
ZIPMAP = TensorSpec("scores", "BYTES", (1,), "seq(map(int64,tensor(float)))")
CERTAIN = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)


def classes_of(*outputs, labels=()):
    version = Version("m", 1, "ready", "job", "now", "m.onnx", labels=labels)
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
