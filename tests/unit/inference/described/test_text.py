import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library
from tokenizers import models, pre_tokenizers, processors

from aimass.adapters.onnxruntime.session import OnnxRuntime
from aimass.domain.description import Description, TextInput, Tokenizer
from aimass.domain.errors import InvalidArguments, PredictionFailed
from aimass.domain.files import StoredFile
from aimass.domain.placement import PlacedElsewhere
from aimass.inference.dataplane import Asked, Texts
from aimass.inference.described import text as described_text
from aimass.inference.described.inputs import described_inputs
from aimass.inference.described.tokenizers import open_tokenizer
from aimass.inference.folders import ModelFolders
from aimass.inference.sessions import Sessions
from tests.unit.inference.described.given import no_assets, spec, version
from tests.unit.inference.models import echo, scaled
from tests.unit.inference.plane import TENANT, Shelf, predictor, variant

WORDS = {"[PAD]": 7, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "good": 4, "bad": 5, "film": 6}


def library(**changes):
    """Words of a sentence between [CLS] and [SEP]."""
    made = Library(models.WordLevel(WORDS, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    special = [("[CLS]", 2), ("[SEP]", 3)]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=special)
    return made


class Plane:
    """A version whose texts go through a tokenizer, and its file."""

    def __init__(self, folder: Path, made: Library | str | None = None, length: int = -1, **how):
        content = made if isinstance(made, str) else (made or library()).to_str()
        self.file = StoredFile("tokenizer.json", f"sha of {content}", len(content))
        self.path = folder / "tokenizer.json"
        self.path.write_text(content)
        self.opened = []
        described = Tokenizer(**{"file": "tokenizer.json", "ids": "ids", "mask": "mask", "types": "types"} | how)
        self.version = version(
            *(spec(name, "INT64", -1, length) for name in ("ids", "mask", "types")),
            description=Description(text=TextInput(tokenizer=described)),
            assets=(StoredFile("labels.txt", "other", 1), self.file),
        )

    def inputs(self, *texts):
        return described_inputs(self.version, Texts(texts), self.open)

    def open(self, file, limit):
        self.opened.append((file, limit))
        return open_tokenizer(self.path, file.path, limit)


def test_texts_become_ids_mask_and_types_of_the_longest(tmp_path):
    found = Plane(tmp_path).inputs("good film", "bad", "")
    assert found["ids"].tolist() == [[2, 4, 6, 3], [2, 5, 3, 7], [2, 3, 7, 7]]
    assert found["mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0]]
    assert found["types"].tolist() == [[0] * 4] * 3
    assert {array.dtype for array in found.values()} == {np.dtype(np.int64)}


def test_only_described_inputs_are_made_in_their_own_datatypes(tmp_path):
    plane = Plane(tmp_path, types=None)
    plane.version = version(
        spec("ids", "INT32", -1, -1), spec("mask", "FP32", -1, -1), description=plane.version.description,
        assets=plane.version.assets,
    )  # fmt: skip
    found = plane.inputs("good")
    assert {name: array.dtype.name for name, array in found.items()} == {"ids": "int32", "mask": "float32"}


def test_a_long_text_is_cut_with_its_last_special_token_kept(tmp_path):
    assert Plane(tmp_path, max_length=4).inputs("good film good film")["ids"].tolist() == [[2, 4, 6, 3]]


def test_a_long_text_is_refused_with_the_counts_where_nothing_may_be_cut(tmp_path):
    plane = Plane(tmp_path, max_length=4, truncation=False)
    with pytest.raises(InvalidArguments, match="text 1: has 6 tokens; this model takes 4") as refused:
        plane.inputs("good", "good film good film")
    assert list(refused.value.details["fields"]) == ["text 1"]


def test_texts_are_padded_to_the_described_length(tmp_path):
    found = Plane(tmp_path, max_length=6, padding="max_length").inputs("good")
    assert found["ids"].tolist() == [[2, 4, 3, 7, 7, 7]]


@pytest.mark.parametrize("how", [{}, {"max_length": 512}, {"max_length": 512, "padding": "max_length"}])
def test_a_models_fixed_length_is_padded_and_cut_to(tmp_path, how):
    found = Plane(tmp_path, length=5, **how).inputs("good", "bad film bad film bad")
    assert found["ids"].tolist() == [[2, 4, 3, 7, 7], [2, 5, 6, 5, 3]]


def test_a_fixed_length_refuses_longer_texts_where_nothing_may_be_cut(tmp_path):
    with pytest.raises(InvalidArguments, match="has 7 tokens; this model takes 5"):
        Plane(tmp_path, length=5, truncation=False).inputs("bad film bad film bad")


def test_what_the_file_says_of_lengths_is_set_aside_and_its_sides_are_kept(tmp_path):
    made = library()
    made.enable_truncation(3, direction="left")
    made.enable_padding(length=128, direction="left", pad_id=9, pad_type_id=8)
    plane = Plane(tmp_path, made, max_length=4)
    found = plane.inputs("good film bad", "bad")
    assert found["ids"].tolist() == [[2, 6, 5, 3], [9, 2, 5, 3]]
    assert found["mask"].tolist() == [[1, 1, 1, 1], [0, 1, 1, 1]]
    assert found["types"].tolist() == [[0, 0, 0, 0], [8, 0, 0, 0]]


def test_a_vocabulary_without_a_pad_token_is_padded_with_0(tmp_path):
    made = Library(models.WordLevel({"a": 1, "b": 2}, unk_token="a"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    assert Plane(tmp_path, made).inputs("b b", "b")["ids"].tolist() == [[2, 2], [2, 0]]
    assert Plane(tmp_path, made).inputs("")["ids"].tolist() == [[0]]


def test_a_length_without_room_for_special_tokens_is_refused(tmp_path):
    with pytest.raises(InvalidArguments, match="2 special tokens do not fit in 1"):
        Plane(tmp_path, max_length=1).inputs("good")


@pytest.mark.parametrize(
    ("how", "limit"), [({}, None), ({"max_length": 4}, 4), ({"max_length": 4, "truncation": False}, None)]
)
def test_the_versions_file_is_opened_at_the_length_at_which_it_cuts(tmp_path, how, limit):
    plane = Plane(tmp_path, **how)
    plane.inputs("good")
    assert plane.opened == [(plane.file, limit)]


def tokenizer_of(shelf, memory):
    """A tokenizer that was measured to take so much."""
    return replace(shelf.store({"tokenizer.json": library().to_str().encode()}).files[0], memory=memory)


def test_an_open_tokenizer_takes_the_room_of_models_by_what_it_was_measured_to_take(tmp_path):
    shelf = Shelf()
    model = variant(shelf.store({"model.onnx": scaled().SerializeToString()}), memory=60)
    sessions = Sessions(OnnxRuntime(threads=1), ModelFolders(tmp_path, shelf, 1 << 20), 100)
    small, large = tokenizer_of(shelf, 40), tokenizer_of(shelf, 80)
    first = sessions.tokenizer(TENANT, small, None)
    session = sessions.session(TENANT, model)
    assert sessions.tokenizer(TENANT, small, None) is first
    assert sessions.session(TENANT, model) is session
    assert sessions.held().sessions.weight == 100
    sessions.tokenizer("other", large, None)
    assert (sessions.held().sessions.entries, sessions.held().sessions.weight) == (1, 80)
    assert sessions.tokenizer("other", large, 4) is not sessions.tokenizer("other", large, None)


def test_when_memory_is_short_tokenizers_are_closed_too(tmp_path):
    shelf = Shelf()
    sessions = Sessions(OnnxRuntime(threads=1), ModelFolders(tmp_path, shelf, 1 << 20), 100)
    file = tokenizer_of(shelf, 40)
    first = sessions.tokenizer(TENANT, file, None)
    assert sessions.clear() == 1
    assert sessions.tokenizer(TENANT, file, None) is not first


@pytest.mark.parametrize(("memory", "need"), [(40 << 20, 40 << 20), (0, None)])
def test_a_tokenizer_is_opened_only_on_the_tier_that_has_room_for_it(tmp_path, memory, need):
    shelf = Shelf()
    file = tokenizer_of(shelf, memory)
    described = Description(text=TextInput(tokenizer=Tokenizer("tokenizer.json", "x_INT64")))
    version = shelf.add("m", echo("INT64"), description=described, assets=(file,))
    needs = []
    plane = predictor(shelf, tmp_path, elsewhere=lambda variant, assets: needs.append(assets) or "large")
    with pytest.raises(PlacedElsewhere):
        plane.prepare(TENANT, version, Texts(("good film",)))
    with pytest.raises(PlacedElsewhere):
        plane.predict(TENANT, Asked(version, {"x_INT64": np.ones(1, np.int64)}))
    assert needs == [need or 18 * file.size] * 2
    assert shelf.reads == []


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '{"version": "1.0", "model": {"type": "WordPiece", "vocab": {}}}']
)
def test_a_broken_file_is_told(tmp_path, content):
    with pytest.raises(PredictionFailed, match=r"the version's tokenizer 'tokenizer.json' cannot be opened: \w"):
        Plane(tmp_path, content).inputs("good")


def test_a_panic_of_the_library_is_an_error_like_any_other(tmp_path):
    broken = json.loads(library().to_str())
    broken["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": "BAAAAP////8="}
    with pytest.raises(PredictionFailed, match="index out of bounds"):
        Plane(tmp_path, json.dumps(broken)).inputs("good")


def test_a_word_that_the_tokenizer_has_no_token_for_is_told(tmp_path):
    made = Library(models.WordPiece({"good": 0}, unk_token="[UNK]"))
    with pytest.raises(PredictionFailed, match=r"the version's tokenizer failed: .*UNK"):
        Plane(tmp_path, made).inputs("bad")


@pytest.mark.parametrize(
    ("shape", "expected"), [((-1,), ["a", "\0ü"]), ((-1, 1), [["a"], ["\0ü"]]), ((), ["a", "\0ü"])]
)
def test_strings_are_passed_through(shape, expected):
    given = version(spec("words", "BYTES", *shape), description=Description(text=TextInput("words")))
    found = described_inputs(given, Texts(("a", "\0ü")), no_assets)
    assert found["words"].tolist() == expected
    assert found["words"].dtype == object


@pytest.mark.parametrize("text", ["\ud800", "fine \udfff"])
def test_half_a_surrogate_pair_is_no_text(tmp_path, text):
    with pytest.raises(InvalidArguments, match="text 1: holds half of a surrogate pair"):
        Plane(tmp_path).inputs("good", text)


def test_an_endless_text_is_refused_before_it_is_read(tmp_path):
    plane = Plane(tmp_path, "no tokenizer at all")
    with pytest.raises(InvalidArguments, match="text 0: has 250001 characters; at most 250000"):
        plane.inputs("a" * 250_001)


def test_padding_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(described_text, "MOST_TOKENS", 11)
    with pytest.raises(InvalidArguments, match="3 texts padded to 4 tokens; at most 11"):
        Plane(tmp_path).inputs("good film", "", "")


@settings(max_examples=200)
@given(texts=st.lists(st.text(st.characters(codec=None)), min_size=1, max_size=4), limit=st.integers(2, 9))
def test_any_text_is_tokens_or_refused(tmp_path_factory, texts, limit):
    plane = Plane(tmp_path_factory.getbasetemp(), max_length=limit)
    try:
        found = plane.inputs(*texts)
    except InvalidArguments as refused:
        assert "surrogate" in refused.message  # noqa: PT017  # either outcome is right
        return
    assert found["ids"].shape == found["mask"].shape == found["types"].shape
    assert len(found["ids"]) == len(texts)
    assert found["ids"].shape[1] <= limit
    np.testing.assert_array_equal(found["mask"] == 0, found["ids"] == WORDS["[PAD]"])


def test_the_data_plane_fetches_a_versions_tokenizer_once(tmp_path):
    shelf, made = Shelf(), library().to_str().encode()
    described = Description(text=TextInput(tokenizer=Tokenizer("deep/tokenizer.json", "x_INT64")))
    assets = shelf.store({"deep/tokenizer.json": made}).files
    version = shelf.add("m", echo("INT64"), description=described, assets=assets)
    plane = predictor(shelf, tmp_path)
    for _ in range(2):
        assert plane.prepare(TENANT, version, Texts(("good film",)))["x_INT64"].tolist() == [[2, 4, 6, 3]]
    assert shelf.reads == ["artifact deep/tokenizer.json"]
