from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aimass.domain.description import ClassOutput, Description
from aimass.domain.errors import PayloadTooLarge
from aimass.inference.classes import classify
from aimass.inference.dataplane import Prediction
from aimass.inference.described.outputs import described_outputs
from aimass.inference.jsontext import dumps
from aimass.inference.tensors import numpy_dtype
from tests.unit.inference.described.given import spec, version

NAN = float("nan")


def prediction(value, labels=(), outputs=None, shape=(-1, -1), raw_scores=(), **how):
    described = Description(labels=labels, classes=ClassOutput(**{"output": "y"} | how))
    made = outputs or ((spec("y", "FP32", *shape), value),)
    return Prediction(version(description=described, raw_scores=raw_scores), None, tuple(made))


def answer(value, *arguments, **how):
    """Each row as pairs."""
    rows = described_outputs(prediction(np.array(value, np.float32), *arguments, **how))
    return [[(one["label"], one["probability"]) for one in row] for row in rows]


def test_labels_come_best_first_with_their_probabilities():
    assert answer([[0.25, 0.75], [0.5, 0.5]], ("ham", "spam")) == [
        [("spam", 0.75), ("ham", 0.25)],
        [("ham", 0.5), ("spam", 0.5)],
    ]


def test_softmax_makes_probabilities_of_logits():
    found = answer([[0, np.log(3)]], ("a", "b"), activation="softmax")
    assert [label for label, _ in found[0]] == ["b", "a"]
    np.testing.assert_allclose([one for _, one in found[0]], [0.75, 0.25], rtol=1e-6)


def test_sigmoid_looks_at_each_class_alone():
    found = answer([[0, 0, -1000]], ("a", "b", "c"), activation="sigmoid")
    assert found == [[("a", 0.5), ("b", 0.5), ("c", 0.0)]]


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_large_logits_do_not_overflow(activation, recwarn):
    found = answer([[3e38, -3e38]], ("a", "b"), activation=activation)
    assert found == [[("a", 1.0), ("b", 0.0)]]
    assert not recwarn.list


def test_the_best_few_are_shown():
    assert [label for label, _ in answer([[0.1, 0.4, 0.2, 0.3]], tuple("abcd"), top_k=2)[0]] == ["b", "d"]


def test_classes_below_the_threshold_are_left_out():
    assert answer([[0.5, 0.1, 0.4], [0.2, 0.3, 0.1]], tuple("abc"), threshold=0.4) == [[("a", 0.5), ("c", 0.4)], []]


def test_a_probability_has_the_digits_of_its_own_precision():
    assert dumps(described_outputs(prediction(np.array([[0.1]], np.float32), ("a",)))) == (
        b'[[{"label":"a","probability":0.1}]]'
    )


@pytest.mark.parametrize("labels", [(), ("a", "b")])
def test_columns_without_names_have_their_number(labels):
    assert answer([[0.1, 0.2, 0.7]], labels) == [[(2, 0.7), (1, 0.2), (0, 0.1)]]


def test_nan_comes_last_and_is_never_over_a_threshold():
    found = described_outputs(prediction(np.array([[NAN, 0.2, 0.8], [NAN] * 3], np.float32), tuple("abc")))
    assert [[one["label"] for one in row] for row in found] == [["c", "b", "a"], ["a", "b", "c"]]
    assert dumps(found[0][-1]) == b'{"label":"a","probability":NaN}'
    assert answer([[NAN, 0.2, 0.8]], tuple("abc"), threshold=0.0) == [[("c", 0.8), ("b", 0.2)]]


def test_one_sigmoid_is_the_second_of_two_classes():
    assert answer([[np.log(3)]], ("no", "yes"), activation="sigmoid") == [[("yes", 0.75), ("no", 0.25)]]
    assert answer([[np.log(3)]], (), activation="sigmoid") == [[(1, 0.75), (0, 0.25)]]


def test_one_sigmoid_with_one_name_is_that_class():
    assert answer([[0.0]], ("urgent",), activation="sigmoid") == [[("urgent", 0.5)]]


def test_a_vector_holds_a_number_for_each_row():
    assert answer([0.25, 0.75], ("no", "yes"), shape=(-1,)) == [
        [("no", 0.75), ("yes", 0.25)],
        [("yes", 0.75), ("no", 0.25)],
    ]


def test_a_vector_as_long_as_the_names_is_one_row():
    assert answer([0.25, 0.75], ("no", "yes"), shape=(2,)) == [[("yes", 0.75), ("no", 0.25)]]


def test_dimensions_of_1_behind_the_classes_are_none():
    assert answer([[[[0.25]], [[0.75]]]], ("a", "b")) == [[("b", 0.75), ("a", 0.25)]]


@pytest.mark.parametrize("datatype", ["FP16", "BF16", "FP64", "UINT8", "INT64"])
def test_scores_may_have_any_datatype(datatype):
    value = np.array([[0, 1]]).astype(numpy_dtype(datatype))
    assert described_outputs(prediction(value, ("a", "b"), top_k=1)) == [[{"label": "b", "probability": 1.0}]]


@pytest.mark.parametrize(
    ("value", "raw_scores"), [([[0.5, 3]], ()), ([[-0.25, 0.5]], ()), ([[0.5, 0.25]], ("y",)), ([[0.5, 2], [0, 1]], ())]
)
def test_numbers_that_are_no_probabilities_are_scores(value, raw_scores):
    rows = described_outputs(prediction(np.array(value, np.float32), ("a", "b"), raw_scores=raw_scores))
    assert {key for row in rows for one in row for key in one} == {"label", "score"}
    assert [one["score"] for one in rows[0]] == sorted(value[0], reverse=True)


@pytest.mark.parametrize(("value", "how"), [([[0.5, 1.0004]], {}), ([[-5, 9]], {"activation": "softmax"})])
def test_probabilities_stay_probabilities_where_they_are_rounded_or_made(value, how):
    rows = described_outputs(prediction(np.array(value, np.float32), ("a", "b"), raw_scores=("y",) * len(how), **how))
    assert {key for one in rows[0] for key in one} == {"label", "probability"}


def test_zipmaps_maps_are_scores():
    zipmap = prediction([{3: 0.25, 7: 0.75}])
    assert described_outputs(zipmap) == [[{"label": 7, "probability": 0.75}, {"label": 3, "probability": 0.25}]]
    named = prediction([{0: 0.25, 1: 0.75}], ("ham", "spam"), top_k=1)
    assert described_outputs(named) == [[{"label": "spam", "probability": 0.75}]]


def test_the_probabilities_of_a_classifier_that_gives_labels_too():
    outputs = (
        (spec("label", "INT64", -1), np.array([1])),
        (spec("y", "FP32", -1, 2), np.array([[0.25, 0.75]], np.float32)),
    )
    assert described_outputs(prediction(None, ("ham", "spam"), outputs, top_k=1)) == [
        [{"label": "spam", "probability": 0.75}]
    ]


@pytest.mark.parametrize("value", [np.zeros((2, 3, 4), np.float32), np.array(["a"], object), [np.zeros(2)]])
def test_what_has_no_classes_in_columns_is_left_as_it_is(value):
    assert described_outputs(prediction(value, ("a", "b"))) is None


def test_without_a_described_output_there_is_nothing_to_say():
    matrix = np.array([[0.25, 0.75]], np.float32)
    bare = Prediction(version(description=Description(labels=("a", "b"))), None, ((spec("y", "FP32", -1, 2), matrix),))
    assert described_outputs(bare) is None
    assert described_outputs(prediction(matrix, ("a", "b"), output="another")) is None


def labelled(own_classes=None, **how):
    """A row whose label is another than its highest column's, as SVC(probability=True) gives it."""
    scores = np.array([[0.45, 0.55], [0.9, 0.1]], np.float32)
    outputs = ((spec("label", "BYTES", -1), np.array(["no", "no"], object)), (spec("y", "FP32", -1, 2), scores))
    found = prediction(None, ("no", "yes"), outputs, **how)
    found = replace(found, version=replace(found.version, own_classes=own_classes))
    return [[one["label"] for one in row] for row in described_outputs(found)]


def test_the_label_that_the_model_gives_comes_first():
    assert labelled(("no", "yes")) == [["no", "yes"], ["no", "yes"]]
    assert labelled(("no", "yes"), top_k=1) == [["no"], ["no"]]
    assert labelled(("no", "yes"), threshold=0.5) == [["yes"], ["no"]]
    assert labelled(("no", "yes"), activation="softmax") == [["yes", "no"], ["no", "yes"]]


def test_no_rows_are_no_answers():
    assert described_outputs(prediction(np.zeros((0, 2), np.float32), ("a", "b"), activation="softmax")) == []


def test_more_labels_than_an_answer_carries_are_refused():
    many = prediction(np.zeros((221, 1000), np.float32), tuple(map(str, range(1000))))
    with pytest.raises(PayloadTooLarge, match="the classes of 221 rows are more than 220000 labels"):
        described_outputs(many)
    few = prediction(np.zeros((221, 1000), np.float32), tuple(map(str, range(1000))), top_k=1)
    assert len(described_outputs(few)) == 221


@given(
    arrays(np.float32, st.tuples(st.integers(0, 3), st.integers(0, 4)), elements=st.floats(width=32)),
    st.sampled_from(["softmax", "sigmoid", None]),
    st.none() | st.integers(1, 5),
    st.none() | st.floats(0, 1),
)
def test_any_scores_have_an_answer_in_order(matrix, activation, top_k, threshold):
    asked = prediction(matrix, tuple("abcd"), activation=activation, top_k=top_k, threshold=threshold)
    rows = described_outputs(asked)
    assert len(rows) == len(matrix)
    for row in rows:
        shown = [list(one.values())[1] for one in row]
        numbers = [number for number in shown if isinstance(number, float)]
        assert numbers == sorted(numbers, reverse=True)
        assert len(row) <= (top_k or 4)
    classify(asked)


def test_a_tensor_call_gets_the_activated_probabilities():
    found = classify(prediction(np.array([[0, np.log(3)]], np.float32), ("a", "b"), activation="softmax"))
    assert (found.labels, found.classes) == (["b"], ["a", "b"])
    assert found.probabilities.dtype == np.float32
    np.testing.assert_allclose(found.probabilities, [[0.25, 0.75]], rtol=1e-6)


def test_a_tensor_call_of_several_outputs_gets_those_of_the_described_one():
    hidden = spec("hidden", "FP32", -1, 2), np.array([[9.0, 1.0]], np.float32)
    scores = spec("y", "FP32", -1, 2), np.array([[0.25, 0.75]], np.float32)
    found = classify(prediction(None, ("a", "b"), (hidden, scores)))
    assert found.labels == ["b"]
    assert np.shares_memory(found.probabilities, scores[1])


def test_a_tensor_call_keeps_the_labels_that_the_model_gave_unless_they_were_renamed():
    label = spec("label", "INT64", -1), np.array([0])
    scores = spec("y", "FP32", -1, 2), np.array([[0.25, 0.75]], np.float32)
    assert classify(prediction(None, ("0", "1"), (label, scores))).labels == ["0"]
    assert classify(prediction(None, ("a", "b"), (label, scores))).labels == ["b"]
