from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from aimass.compression import evaluate
from aimass.compression.contract import NotApplicable, Rows
from aimass.compression.data.labels import Labels
from aimass.compression.evaluate import Judge, comparable, judge, outputs_of
from aimass.compression.reading import Reading
from aimass.compression.result import read, write
from tests.unit.compression.folders import CLASSES, FEATURES, classifier

READING = Reading("scores", "columns")


def judged(folder: Path, count: int = 100) -> Judge:
    onnx.save(classifier(), folder / "model.onnx")
    rows = Rows({"x": np.random.default_rng(0).standard_normal((count, FEATURES)).astype(np.float32)})
    labels = outputs_of(folder / "model.onnx", rows)["scores"].argmax(axis=1)
    return judge(folder / "model.onnx", rows, Labels("classes", labels), READING)


def changed(folder: Path, factor: float) -> Path:
    model = classifier()
    last = model.graph.initializer[1]
    last.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(last) * np.float32(factor), last.name))
    onnx.save(model, folder / "changed.onnx")
    return folder / "changed.onnx"


def test_calls_are_put_together_row_by_row(tmp_path: Path) -> None:
    onnx.save(classifier(), tmp_path / "model.onnx")
    inputs = {"x": np.random.default_rng(0).standard_normal((70, FEATURES)).astype(np.float32)}

    found = outputs_of(tmp_path / "model.onnx", Rows(inputs, batch=32))

    assert found["scores"].shape == (70, CLASSES)
    np.testing.assert_allclose(
        found["scores"], outputs_of(tmp_path / "model.onnx", Rows(inputs, 70))["scores"], rtol=1e-4
    )


def test_a_model_that_turns_every_answer_round_loses_all_accuracy_and_agreement(tmp_path: Path) -> None:
    one = judged(tmp_path)

    measures = one.measures(outputs_of(changed(tmp_path, -1), one.rows), "accuracy", 0.95)

    assert measures["accuracy"]["original"] == 1
    assert measures["accuracy"]["candidate"] == 0
    assert measures["accuracy"]["loss"]["estimate"] == 1
    assert measures["agreement"]["loss"]["estimate"] == 1
    assert measures["divergence"]["loss"]["estimate"] == pytest.approx(2, rel=1e-3)


def test_scaled_answers_agree_and_diverge(tmp_path: Path) -> None:
    one = judged(tmp_path)

    measures = one.measures(outputs_of(changed(tmp_path, 1.1), one.rows), "accuracy", 0.95)

    assert measures["agreement"]["loss"]["estimate"] == 0
    assert 0 < measures["agreement"]["loss"]["upper"] < 0.05
    assert measures["divergence"]["loss"]["estimate"] == pytest.approx(0.1, rel=1e-2)


def test_a_costly_metric_has_its_interval_where_the_budget_is_about_it(tmp_path: Path) -> None:
    one = judged(tmp_path, count=40)
    found = outputs_of(changed(tmp_path, 1.1), one.rows)

    assert one.measures(found, "accuracy", 0.95)["f1"]["loss"] is None
    assert one.measures(found, "accuracy", 0.95)["f1"]["candidate"] == 1
    assert one.measures(found, "f1", 0.95)["f1"]["loss"]["estimate"] == 0


def test_answers_that_are_no_numbers_are_an_infinite_loss_that_json_can_hold(tmp_path: Path) -> None:
    one = judged(tmp_path)

    measures = one.measures(outputs_of(changed(tmp_path, float("nan")), one.rows), "accuracy", 0.95)
    write(tmp_path / "evaluated.json", measures)

    written = (read(tmp_path / "evaluated.json") or {})["accuracy"]
    assert written["candidate"] is None
    assert written["loss"]["upper"] is None
    assert written["original"] == 1


def test_a_metric_that_the_labels_do_not_fit_is_a_refusal(tmp_path: Path) -> None:
    one = judged(tmp_path)
    two = Judge(one.rows, Labels("classes", np.zeros((100, 3), np.int64)), READING, one.original)

    with pytest.raises(NotApplicable, match="accuracy cannot be measured"):
        two.measures(one.original, "accuracy", 0.95)
    assert "accuracy" not in two.measures(one.original, "divergence", 0.95)


def test_rows_are_as_many_as_their_answers_can_be_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "MOST_BYTES", 64 * CLASSES * 4)

    one = judged(tmp_path)

    assert len(one.rows) == 64
    assert one.labels is not None
    assert len(one.labels) == 64
    assert comparable(tmp_path / "model.onnx", Rows({"x": np.zeros((100, FEATURES), np.float32)})) == 64
    assert comparable(tmp_path / "model.onnx", Rows({"x": np.zeros((0, FEATURES), np.float32)})) == 0
