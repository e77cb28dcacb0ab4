"""Models that label each token of a text."""

import numpy as np
import pytest

from aimass.inference.described import tokens
from tests.unit.protocols.native_caller import prediction

IDS = {"ids": [[2, 4], [3, 1]], "mask": [[1, 1], [1, 1]]}


def test_a_text_is_answered_by_its_tokens_with_their_place_and_best_label(native):
    told = prediction(native.json("tags", "good  bad day", "text"))
    assert [(one["token"], one["start"], one["end"], one["label"]) for one in told] == [
        ("good", 0, 4, "GOOD"),
        ("bad", 6, 9, "BAD"),
        ("day", 10, 13, "O"),
    ]
    assert told[0]["probability"] == pytest.approx(np.exp(3) / (np.exp(3) + 2), rel=1e-5)


def test_texts_of_other_lengths_are_answered_without_their_padding(native):
    told = prediction(native.json("tags", ["good", "bad bad day"], "text"))
    assert [[one["label"] for one in row] for row in told] == [["GOOD"], ["BAD", "BAD", "O"]]


def test_labels_below_the_threshold_are_left_out(native):
    assert [one["token"] for one in prediction(native.json("sure-tags", "good bad", "text"))] == ["bad"]
    assert prediction(native.json("sure-tags", "good", "text")) == []


def test_tensors_answer_tensors_with_the_labels_of_tokens_beside_them(native):
    status, body = native.json("tags", IDS)
    assert status == 200
    assert body["labels"] == [["GOOD", "O"], ["BAD", "O"]]
    assert body["classes"] == ["O", "GOOD", "BAD"]
    assert np.array(body["probabilities"]).sum(axis=2) == pytest.approx(1)
    assert np.shape(body["prediction"]) == (2, 2, 3)


def test_more_tokens_than_an_answer_carries_are_refused(native, monkeypatch):
    monkeypatch.setattr(tokens, "MAX_SHOWN", 2)
    status, body = native.json("tags", "good bad day", "text")
    assert (status, body["details"]["limit"]) == (413, 2)
    assert "the texts have 3 tokens" in body["error"]


def test_special_tokens_and_padding_before_the_text_have_no_label(tmp_path):
    from tests.unit.inference.described.test_text import Plane, library

    made = library()
    made.enable_padding(direction="left", pad_id=7, pad_token="[PAD]")
    plane = Plane(tmp_path, made)
    from aimass.inference.described.text import text_inputs

    specs = {one.name: one for one in plane.version.inputs}
    found = text_inputs(
        specs, plane.version.description.text, ("good film", "bad"), lambda name, limit: plane.open(plane.file, limit),
        placed=True,
    )  # fmt: skip
    shown = [[piece and (piece.text, piece.start) for piece in row] for row in found.pieces]
    assert shown == [[None, ("good", 0), ("film", 5), None], [None, None, ("bad", 0), None]]
    assert found["ids"].tolist() == [[2, 4, 6, 3], [7, 2, 5, 3]]
