"""Labels that are not the model's are noticed before anything is promised with them."""

import numpy as np
import pytest

from aimass.compression.contract import Rows
from aimass.compression.data.labels import Labels
from aimass.compression.evaluate import Judge
from aimass.compression.label_fit import check_labels
from aimass.compression.reading import Reading
from aimass.domain.errors import InvalidArguments


def judged(answers, labels, kind="classes"):
    reading = Reading("y", "columns" if kind == "classes" else "numbers")
    scores = np.eye(4, dtype=np.float32)[answers] if kind == "classes" else np.asarray(answers, np.float32)[:, None]
    rows = Rows({"x": np.zeros((len(labels), 1), np.float32)})
    return Judge(rows, Labels(kind, np.asarray(labels)), reading, {"y": scores})


def test_labels_in_another_order_than_the_outputs_are_refused():
    answers = np.arange(400) % 4
    with pytest.raises(InvalidArguments, match=r"right on 0\.0% of these rows, less than chance"):
        check_labels("accuracy", judged(answers, (answers + 1) % 4))


def test_a_model_that_is_right_mostly_passes_in_silence():
    answers = np.arange(400) % 4
    assert check_labels("accuracy", judged(answers, np.where(np.arange(400) < 40, 0, answers))) == ()


def test_less_than_the_commonest_class_is_a_note():
    labels = np.zeros(400, np.int64)
    labels[:20] = 1
    answers = labels.copy()
    answers[20:60] = 1
    (note,) = check_labels("accuracy", judged(answers, labels))
    assert note == "the original is right on 90.0% of these rows, and 95.0% are of one class"


def test_numbers_that_a_constant_would_answer_as_well_are_a_note():
    values = np.linspace(0, 1, 200)
    (note,) = check_labels("r2", judged(values[::-1].copy(), values, "numbers"))
    assert "a constant would answer as well" in note
    assert check_labels("r2", judged(values, values, "numbers")) == ()
