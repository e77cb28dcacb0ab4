"""What a model's signature and well-known files tell where nobody wrote a description."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.description import ClassOutput, Column, ImageInput, Resize, TableInput, TextInput, Tokenizer
from aimass.formats.converters._table import table
from aimass.formats.description import describe, read_document
from aimass.formats.description_document import document_of
from aimass.formats.inferred_description import inferred_max_length
from aimass.formats.known_sections import known_sections
from aimass.formats.seen import Seen
from tests.unit.formats.test_description import PHOTOS, STRINGS, TOKENS, VALUES, spec

CONFIG = json.dumps({"id2label": {"1": "dog", "0": "cat"}})


def preprocessor(**fields):
    return replace(PHOTOS, texts={"preprocessor_config.json": json.dumps(fields)})


def image(seen):
    return describe(None, seen).image


def test_nothing_to_tell_is_no_description():
    assert describe(None, Seen((spec("x", [-1, 4]),), (spec("y", [-1, 2]),))) is None


@pytest.mark.parametrize(
    ("shape", "datatype", "found"),
    [
        ([-1, 3, 224, 224], "FP32", ImageInput("x", "NCHW", "RGB", Resize(224, 224))),
        ([1, 28, 28, 1], "FP16", ImageInput("x", "NHWC", "gray", Resize(28, 28))),
        ([-1, 3, -1, -1], "FP32", ImageInput("x", "NCHW", "RGB")),
        ([-1, 32, 32, 3], "UINT8", ImageInput("x", "NHWC", "RGB", Resize(32, 32), scale=1.0)),
    ],
)
def test_four_dimensions_with_one_or_three_channels_are_a_picture(shape, datatype, found):
    described = describe(None, Seen((spec("x", shape, datatype),), ()))
    assert (described.image, described.inferred) == (found, ("input.image",))


@pytest.mark.parametrize("shape", [[-1, 8, 224, 224], [-1, 3, 224, 3], [-1, 3, 1, 1], [-1, 3, 224], [3, 224, 224, -1]])
def test_other_shapes_are_not_taken_for_pictures(shape):
    assert describe(None, Seen((spec("x", shape),), ())) is None


def test_a_picture_is_not_enough_for_a_model_that_wants_more():
    assert describe(None, replace(PHOTOS, inputs=(*PHOTOS.inputs, spec("size", [-1, 2])))) is None


def test_a_string_is_a_text():
    described = describe(None, STRINGS)
    assert (described.text, described.inferred) == (TextInput(input="text"), ("input.text",))


def test_token_inputs_and_a_tokenizer_file_are_a_text():
    tokenizer = Tokenizer("tokenizer.json", "input_ids", "attention_mask", max_length=512)
    assert describe(None, replace(TOKENS, max_length=512)).text == TextInput(tokenizer=tokenizer)
    assert describe(None, replace(TOKENS, files=())) is None
    other = replace(TOKENS, inputs=(*TOKENS.inputs, spec("position_ids", [-1, -1], "INT64")))
    assert describe(None, other) is None


def test_an_input_for_each_column_is_a_table():
    seen = Seen((spec("age", [-1, 1]), spec("color", [-1, 1], "BYTES")), ())
    assert describe(None, seen).table == TableInput((Column("age", "age"), Column("color", "color")))


def test_columns_that_a_converted_model_had_names_for_are_a_table():
    seen = Seen((spec("input", [-1, 2]),), (), known=known_sections(table(("age", "income in USD"))))
    assert describe(None, seen).table == TableInput((Column("age", "input"), Column("income in USD", "input")))


@pytest.mark.parametrize("columns", [("age",), ("a", "b", "c"), ("a", "a")])
def test_names_that_do_not_fit_the_input_are_no_table(columns):
    assert describe(None, Seen((spec("input", [-1, 2]),), (), known=known_sections(table(columns)))) is None


@pytest.mark.parametrize("texts", [{"labels.txt": "cat\ndog\n"}, {"config.json": CONFIG}])
def test_labels_come_from_well_known_files_if_an_output_has_as_many_columns(texts):
    described = describe(None, replace(PHOTOS, texts=texts))
    assert (described.labels, described.classes) == (("cat", "dog"), ClassOutput("logits"))
    assert described.inferred == ("labels", "input.image", "output")
    three = replace(PHOTOS, texts=texts, outputs=(spec("logits", [-1, 3]),))
    assert (describe(None, three).labels, describe(None, three).classes) == ((), None)


def test_labels_of_the_upload_go_before_those_of_files():
    described = describe(None, replace(PHOTOS, labels=("a", "b"), texts={"labels.txt": "cat\ndog"}))
    assert (described.labels, described.classes) == ((), ClassOutput("logits"))


def test_scores_that_are_no_probabilities_get_an_activation():
    seen = replace(PHOTOS, labels=("a", "b"), raw_scores=frozenset({"logits"}))
    assert describe(None, seen).classes == ClassOutput("logits", "softmax")
    several = replace(seen, texts={"config.json": json.dumps({"problem_type": "multi_label_classification"})})
    assert describe(None, several).classes == ClassOutput("logits", "sigmoid")


def test_of_two_outputs_that_fit_none_is_taken():
    two = replace(PHOTOS, labels=("a", "b"), outputs=(spec("y", [-1, 2]), spec("z", [-1, 2])))
    assert describe(None, two).classes is None
    one = replace(two, outputs=(spec("y", [-1, 5]), spec("z", [-1, 2])))
    assert describe(None, one).classes == ClassOutput("z")


MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (
            {"do_resize": True, "size": {"height": 224, "width": 224}, "resample": 2, "do_rescale": True,
             "rescale_factor": 0.00392156862745098, "do_normalize": True, "image_mean": MEAN, "image_std": STD},
            ImageInput("pixels", resize=Resize(224, 224), scale=1 / 255, mean=tuple(MEAN), std=tuple(STD)),
        ),
        (
            {"do_resize": True, "size": {"shortest_edge": 256}, "resample": 3, "do_center_crop": True,
             "crop_size": {"height": 224, "width": 224}, "do_rescale": False},
            ImageInput("pixels", resize=Resize(shorter=256, interpolation="bicubic"), crop=(224, 224), scale=1.0),
        ),
        (
            {"do_resize": True, "size": 256, "do_center_crop": True, "crop_size": 224},
            ImageInput("pixels", resize=Resize(shorter=256), crop=(224, 224)),
        ),
        (
            {"do_resize": True, "size": {"shortest_edge": 224}, "crop_pct": 0.875, "do_normalize": False},
            ImageInput("pixels", resize=Resize(shorter=256), crop=(224, 224)),
        ),
    ],
)  # fmt: skip
def test_an_image_processors_configuration_is_followed(fields, found):
    assert image(preprocessor(**fields)) == found


@pytest.mark.parametrize(
    "fields",
    [
        {"do_resize": True, "size": {"height": 96, "width": 96}},  # another model's
        {"do_normalize": True, "image_mean": [0.5], "image_std": "x"},
        {"do_center_crop": True, "crop_size": -5},
        {"do_resize": True, "size": 10**400},
        {"do_resize": True, "size": {"shortest_edge": -(10**400)}, "crop_pct": 0.5},
        {"do_resize": True, "size": 96, "resample": [3]},
        {"do_rescale": True, "rescale_factor": 1e999},
    ],
)
def test_a_configuration_that_does_not_fit_the_model_infers_nothing(fields):
    assert describe(None, preprocessor(**fields)) is None


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"id2label": [1], "size": null}', "\x00", "null"])
def test_well_known_files_that_hold_something_else_are_no_error(text):
    for name in ("config.json", "preprocessor_config.json", "tokenizer_config.json", "labels.txt"):
        seen = replace(PHOTOS, texts={name: text})
        assert describe(None, seen).image == ImageInput("pixels", resize=Resize(224, 224))
        assert inferred_max_length(seen, None) is None


SETTINGS = st.sampled_from(["id2label", "problem_type", "rescale_factor", "image_mean", "model_type"])
FILES = st.sampled_from(["config.json", "preprocessor_config.json", "tokenizer_config.json"])


@given(st.dictionaries(FILES, st.dictionaries(SETTINGS, VALUES)), st.text())
def test_whatever_well_known_files_hold_is_no_error(configs, labels):
    texts = {name: json.dumps(config) for name, config in configs.items()} | {"labels.txt": labels}
    seen = replace(PHOTOS, texts=texts)
    described = describe(None, seen)
    assert inferred_max_length(seen, None) is None or configs
    assert described is None or describe(read_document(json.dumps(document_of(described)).encode()), seen)


def test_labels_that_no_version_holds_are_not_inferred():
    many = replace(PHOTOS, outputs=(spec("y", [-1, 30_000]),), texts={"labels.txt": "label\n" * 30_000})
    assert describe(None, many).labels == ()


@pytest.mark.parametrize(
    ("texts", "truncated_to", "found"),
    [
        ({"config.json": {"max_position_embeddings": 512}}, None, 512),
        ({"config.json": {"max_position_embeddings": 514, "model_type": "xlm-roberta"}}, None, 512),
        ({"tokenizer_config.json": {"model_max_length": 10**30}, "config.json": {}}, None, None),
        (
            {"tokenizer_config.json": {"model_max_length": 256}, "config.json": {"max_position_embeddings": 9}},
            None,
            256,
        ),
        ({"tokenizer_config.json": {"model_max_length": 256}}, 128, 256),
        ({}, 128, 128),
    ],
)
def test_how_many_tokens_a_model_takes(texts, truncated_to, found):
    seen = replace(TOKENS, texts={name: json.dumps(text) for name, text in texts.items()})
    assert inferred_max_length(seen, truncated_to) == found


def test_what_a_document_does_not_speak_of_is_inferred_and_what_it_denies_is_not():
    seen = replace(PHOTOS, raw_scores=frozenset({"logits"}))
    described = describe(read_document(b"aimass: 1\nlabels: [a, b]"), seen)
    assert described.classes == ClassOutput("logits", "softmax")
    assert described.inferred == ("input.image", "output")
    described = describe(read_document(b"aimass: 1\nlabels: [a, b]\ninput: null\noutput: null"), seen)
    assert (described.image, described.classes, described.inferred) == (None, None, ())


def hugging_face(columns, architecture="BertForSequenceClassification", **fields):
    """A classifier of transformers, whose run at import gave numbers that could be probabilities."""
    names = {str(number): f"LABEL_{number}" for number in range(columns)}
    config = {"architectures": [architecture], "id2label": names} | fields
    return replace(PHOTOS, outputs=(spec("logits", [-1, columns]),), texts={"config.json": json.dumps(config)})


@pytest.mark.parametrize(
    ("fields", "activation"),
    [
        ({}, "softmax"),
        ({"problem_type": "single_label_classification"}, "softmax"),
        ({"problem_type": "multi_label_classification"}, "sigmoid"),
        ({"problem_type": "regression"}, None),
        ({"architectures": ["ViTForImageClassification"]}, "softmax"),
        ({"architectures": ["BertModel"]}, None),
        ({"architectures": "Bert"}, None),
    ],
)
def test_a_hugging_face_classifier_s_activation_is_what_its_configuration_says(fields, activation):
    assert describe(None, hugging_face(3, **fields)).classes.activation == activation
    raw = replace(hugging_face(3, **fields), raw_scores=frozenset({"logits"}))
    if "architectures" not in fields:
        assert describe(None, raw).classes.activation == activation


def test_the_one_number_of_a_regression_has_no_label_and_one_question_has():
    described = describe(None, hugging_face(1))
    assert (described.labels, described.classes) == ((), None)
    asked = describe(None, hugging_face(1, problem_type="multi_label_classification"))
    assert (asked.labels, asked.classes) == (("LABEL_0",), ClassOutput("logits", "sigmoid"))


NAMES = {"id2label": {"0": "O", "1": "B-PER", "2": "I-PER"}}


def tagger(columns=3, **changes):
    config = json.dumps({"architectures": ["BertForTokenClassification"]} | NAMES)
    return replace(TOKENS, outputs=(spec("logits", [-1, -1, columns]),), texts={"config.json": config}, **changes)


def test_labels_of_tokens_are_those_of_the_last_dimension():
    described = describe(None, tagger())
    assert described.labels == ("O", "B-PER", "I-PER")
    assert described.classes == ClassOutput("logits", "softmax")
    assert describe(None, tagger(columns=5)).labels == ()
    renamed = describe(read_document(b"aimass: 1\nlabels: [x, y, z]"), tagger())
    assert (renamed.labels, renamed.classes) == (("x", "y", "z"), ClassOutput("logits", "softmax"))


def test_three_dimensions_of_a_model_that_takes_no_tokens_are_no_labels_of_tokens():
    boxes = replace(PHOTOS, outputs=(spec("scores", [-1, 100, 3]),), texts={"config.json": json.dumps(NAMES)})
    assert (describe(None, boxes).labels, describe(None, boxes).classes) == ((), None)
