"""Model descriptions: their documents, what is filled in from the model, and what is refused in what words."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.description import (
    Batching,
    ClassOutput,
    Column,
    Description,
    ImageInput,
    Resize,
    TableInput,
    TextInput,
    Tokenizer,
)
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.formats.description import describe, read_document
from aimass.formats.description_document import document_of
from aimass.formats.description_yaml import MAX_BYTES
from aimass.formats.seen import Seen

ONNX = {"FP32": "float", "FP16": "float16", "UINT8": "uint8", "INT64": "int64", "BYTES": "string"}


def spec(name, shape, datatype="FP32"):
    return TensorSpec(name, datatype, tuple(shape), f"tensor({ONNX[datatype]})")


PHOTOS = Seen((spec("pixels", [-1, 3, 224, 224]),), (spec("logits", [-1, 2]), spec("n", [-1], "INT64")))
TOKENS = Seen(
    (spec("input_ids", [-1, -1], "INT64"), spec("attention_mask", [-1, -1], "INT64")),
    (spec("logits", [-1, 2]),),
    files=("tokenizer.json",),
)
STRINGS = Seen((spec("text", [-1], "BYTES"),), (spec("scores", [-1, 2]),))
PEOPLE = Seen((spec("x", [-1, 2]), spec("color", [-1, 1], "BYTES")), (spec("y", [-1, 2]),))


def described(text, seen):
    return describe(read_document(text.encode()), seen)


def refused(text, seen=PHOTOS):
    with pytest.raises(InvalidArguments) as caught:
        described(text, seen)
    return caught.value


def fields(text, seen=PHOTOS):
    return refused(text, seen).details["fields"]


def test_an_image_that_is_written_out_is_taken_as_it_stands():
    text = """
aimass: 1
labels: [cat, dog]
input:
  image:
    input: pixels
    layout: NCHW
    color: BGR
    resize: {shorter: 256, interpolation: bicubic}
    crop: {height: 224, width: 224}
    scale: 1e-2
    mean: [0.5, 0, 1]
    std: [1, 2, 3]
output: {output: logits, activation: softmax, top_k: 1, threshold: 0.1}
batching: {max_batch: 8, max_delay_ms: 2}
"""
    assert described(text, PHOTOS) == Description(
        ("cat", "dog"),
        ImageInput("pixels", "NCHW", "BGR", Resize(shorter=256, interpolation="bicubic"), (224, 224), 0.01,
                   (0.5, 0.0, 1.0), (1.0, 2.0, 3.0)),
        classes=ClassOutput("logits", "softmax", 1, 0.1),
        batching=Batching(8, 2.0),
    )  # fmt: skip


def test_what_a_section_leaves_out_is_seen_in_the_model_and_named():
    found = described("aimass: 1\nlabels: [cat, dog]\ninput: {image: {}}\noutput: {}", PHOTOS)
    assert found.image == ImageInput("pixels", "NCHW", "RGB", Resize(224, 224), None, 1 / 255)
    assert found.classes == ClassOutput("logits")
    assert set(found.inferred) == {
        "input.image.input",
        "input.image.layout",
        "input.image.color",
        "input.image.resize",
        "input.image.scale",
        "output.output",
    }


def test_whole_numbers_and_gray_pictures_are_seen_in_the_input():
    seen = Seen((spec("x", [1, 28, 28, 1], "UINT8"),), ())
    assert described("aimass: 1\ninput: {image: {}}", seen).image == ImageInput(
        "x", "NHWC", "gray", Resize(28, 28), scale=1.0
    )


def test_a_shorter_side_is_cropped_to_the_size_that_the_input_has():
    image = described("aimass: 1\ninput: {image: {resize: {shorter: 256}}}", PHOTOS).image
    assert (image.resize, image.crop) == (Resize(shorter=256), (224, 224))


def test_a_tokenizer_takes_the_usual_inputs_and_a_fixed_length_leaves_no_choice():
    found = described("aimass: 1\ninput: {text: {tokenizer: tokenizer.json, max_length: 9}}", TOKENS)
    assert found.text.tokenizer == Tokenizer("tokenizer.json", "input_ids", "attention_mask", max_length=9)
    fixed = replace(TOKENS, inputs=(spec("input_ids", [1, 128], "INT64"),))
    found = described("aimass: 1\ninput: {text: {}}", fixed)
    assert found.text.tokenizer == Tokenizer("tokenizer.json", "input_ids", max_length=128, padding="max_length")
    text = "aimass: 1\ninput: {text: {max_length: 64, padding: longest}}"
    assert fields(text, fixed).keys() == {"input.text.max_length", "input.text.padding"}


def test_strings_are_passed_through():
    assert described("aimass: 1\ninput: {text: {}}", STRINGS).text == TextInput(input="text")


def test_columns_go_to_the_input_of_their_name_or_to_the_one_that_the_table_names():
    text = """
aimass: 1
input:
  table:
    input: x
    columns:
      - {name: age, missing: 0}
      - {name: size, values: [small, large], missing: small}
      - {name: color, missing: "no"}
"""
    assert described(text, PEOPLE).table == TableInput(
        (
            Column("age", "x", 0.0),
            Column("size", "x", "small", ("small", "large")),
            Column("color", "color", "no"),
        )
    )


def test_classes_may_be_without_labels_two_of_one_column_or_maps():
    assert described("aimass: 1\noutput: {}", PHOTOS).classes == ClassOutput("logits")
    one = replace(PHOTOS, outputs=(spec("p", [-1, 1]),))
    assert described("aimass: 1\nlabels: [bad, good]\noutput: {}", one).classes == ClassOutput("p")
    maps = TensorSpec("maps", "BYTES", (-1,), "seq(map(int64,tensor(float)))")
    zipped = replace(PHOTOS, outputs=(spec("label", [-1], "INT64"), maps))
    assert described("aimass: 1\nlabels: [a, b, c]\noutput: {}", zipped).classes == ClassOutput("maps")


SCORES = replace(PHOTOS, raw_scores=frozenset({"logits"}))
SINGLE = replace(PHOTOS, outputs=(spec("p", [-1, 1]),))
RAW_SINGLE = replace(SINGLE, raw_scores=frozenset({"p"}))


@pytest.mark.parametrize("section", ["{}", "{top_k: 1}", "{output: logits}"])
def test_a_section_that_says_nothing_of_an_activation_gets_the_one_that_the_numbers_want(section):
    found = described(f"aimass: 1\nlabels: [a, b]\noutput: {section}", SCORES)
    assert found.classes.activation == "softmax"
    assert "output.activation" in found.inferred
    several = replace(SCORES, texts={"config.json": '{"problem_type": "multi_label_classification"}'})
    assert described(f"aimass: 1\noutput: {section}", several).classes.activation == "sigmoid"
    assert described(f"aimass: 1\nlabels: [a, b]\noutput: {section}", RAW_SINGLE if "logits" not in section else SCORES)


@pytest.mark.parametrize("none", ["null", "none"])
def test_an_activation_that_is_denied_is_not_inferred(none):
    found = described(f"aimass: 1\nlabels: [a, b]\noutput: {{activation: {none}, threshold: 2.5}}", SCORES)
    assert found.classes == ClassOutput("logits", None, None, 2.5)
    assert "output.activation" not in found.inferred


def test_one_column_is_a_classifiers_only_where_it_is_a_probability():
    wrong = "aimass: 1\n{}output: {}"
    for labels in ("", "labels: [score]\n"):
        for seen in (SINGLE, RAW_SINGLE):
            told = fields(wrong.format(labels, "{output: p}"), seen)["output.output"]
            assert "'p' has one column, a number and no probability" in told
    named = "labels: [bad, good]\n"
    assert described(wrong.format(named, "{}"), SINGLE).classes == ClassOutput("p")
    assert described(wrong.format(named, "{}"), RAW_SINGLE).classes == ClassOutput("p", "sigmoid")
    assert described(wrong.format("", "{activation: sigmoid}"), SINGLE).classes == ClassOutput("p", "sigmoid")
    assert "output.output" in fields(wrong.format(named, "{activation: none}"), RAW_SINGLE)
    assert "always 1" in fields(wrong.format(named, "{activation: softmax}"), SINGLE)["output.activation"]


def test_labels_of_another_number_are_refused_also_without_a_section_of_the_output():
    assert fields("aimass: 1\nlabels: [a, b, c]")["labels"] == (
        "line 2: are 3; the columns are others: 'logits' has 2. Give one for each, or say `output: null`"
    )
    assert described("aimass: 1\nlabels: [a, b, c]\noutput: null", PHOTOS).labels == ("a", "b", "c")
    varies = replace(PHOTOS, outputs=(spec("logits", [-1, -1]),))
    assert described("aimass: 1\nlabels: [a, b, c]", varies).classes == ClassOutput("logits")
    assert described("aimass: 1\nlabels: [a, b]", SINGLE).classes == ClassOutput("p")


def test_a_section_without_anything_under_it_means_its_defaults():
    assert described("aimass: 1\ninput:\n  image:\n", PHOTOS) == described("aimass: 1\ninput: {image: {}}", PHOTOS)
    assert described("aimass: 1\ninput:\n  text:\n", STRINGS).text == TextInput(input="text")
    assert "is missing" in fields("aimass: 1\ninput:\n  table:\n", PEOPLE)["input.table.columns"]


def test_null_says_that_nothing_shall_be_inferred():
    assert described("aimass: 1\ninput: null\noutput: ~\nlabels: [a, b]", PHOTOS) == Description(("a", "b"))


def test_labels_may_be_a_file_beside_the_model():
    seen = replace(PHOTOS, texts={"names.txt": "\ufeffcat\r\ndog\n\n"})
    assert described("aimass: 1\nlabels: names.txt", seen).labels == ("cat", "dog")
    assert fields("aimass: 1\nlabels: names.txt") == {
        "labels": "line 2: names no file beside the model: 'names.txt'; there are none"
    }
    assert "labels" in fields("aimass: 1\nlabels: names.txt", replace(PHOTOS, texts={"names.txt": "a\n\nb"}))


def test_json_is_read_as_well_with_tabs_and_escaped_emoji():
    document = json.dumps({"aimass": 1, "labels": ["\U0001f600", "\\ud83d\\ude00 \t"]}, indent="\t")
    wrong = fields(document)
    assert wrong["labels.1"].startswith("line 5: must be text of one line")
    document = json.dumps({"aimass": 1, "labels": ["\U0001f600", "\\ud83d\\ude00"]}, indent="\t")
    assert described(document, PHOTOS).labels == ("\U0001f600", "\\ud83d\\ude00")


def test_every_problem_is_told_at_once_with_its_line():
    text = """aimass: 1
labels: [cat, dog, 3]
input:
  image:
    rezise: 3
    crop: {height: 224}
    mean: [0.5, oops]
    resize:
      shorter: 2.5
batching: {max_batch: 1}
"""
    error = refused(text)
    assert list(error.details["fields"]) == [
        "labels.2",
        "input.image.rezise",
        "input.image.crop.width",
        "input.image.mean.1",
        "input.image.resize.shorter",
        "batching.max_batch",
    ]
    assert "line 9: input.image.resize.shorter must be a whole number, got 2.5" in error.message
    assert "line 5: input.image.rezise is unknown; did you mean resize?" in error.message
    assert error.details["fields"]["batching.max_batch"] == "line 10: must be 2 or more, got 1"


@pytest.mark.parametrize(
    "word", ["no", "Yes", "off", "1_000", "2024-01-01", "12:30", "010", "0x1f", ".inf", "7", "true"]
)
def test_a_label_that_yaml_may_read_as_something_else_is_to_be_quoted(word):
    assert f'quote it, "{word}"' in fields(f"aimass: 1\nlabels:\n  - cat\n  - {word}\n")["labels.1"]
    assert described(f'aimass: 1\nlabels: [cat, "{word}"]', PHOTOS).labels == ("cat", word)


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        ("aimass: 2", "aimass", "line 1: must be 1, got 2"),
        ("labels: [a]", "aimass", "is missing"),
        ("aimass: 1\nlable: x", "lable", "line 2: is unknown; did you mean labels?"),
        ("aimass: 1\ninput: {image: {}, text: {}}", "input", "must have one of image, text and table"),
        ("aimass: 1\ninput: {image: {input: pix}}", "input.image.input", "there are 'pixels' FP32 [-1, 3, 224, 224]"),
        ("aimass: 1\ninput: {image: {color: gray}}", "input.image.color", "gray has 1 channels"),
        ("aimass: 1\ninput: {image: {layout: NHWC}}", "input.image.layout", "must fit the input"),
        ("aimass: 1\ninput: {image: {mean: [1, 2]}}", "input.image.mean", "each of 3 channels, got 2"),
        ("aimass: 1\ninput: {image: {std: [1, 0, 1]}}", "input.image.std", "divided by"),
        ("aimass: 1\ninput: {image: {crop: {height: 9, width: 224}}}", "input.image.crop.height", "must be 224"),
        ("aimass: 1\ninput: {image: {resize: {height: 9}}}", "input.image.resize", "either `shorter`, or"),
        ("aimass: 1\ninput: {image: {scale: 9e999}}", "input.image.scale", "finite"),
        ("aimass: 1\ninput: {image: {scale: 1e-200}}", "input.image.scale", "between 1e-37 and 1e38"),
        ("aimass: 1\ninput: {text: {}}", "input.text.tokenizer", "there are none"),
        ("aimass: 1\ninput: {table: {columns: [{name: a}]}}", "input.table.columns.0.input", "rows need"),
        ("aimass: 1\nlabels: [a, b, c]\noutput: {}", "labels", "are 3; output 'logits' has 2 columns"),
        ("aimass: 1\noutput: {output: n}", "output.output", "which is INT64 [-1]; classes are the columns"),
        ("aimass: 1\nlabels: [a]\noutput: {output: x}", "output.output", "there are 'logits'"),
        ("aimass: 1\nlabels: [a, b]\nlabels: [c, d]", "labels", "line 3: is written twice"),
        ("aimass: 1\noutput: {top_k: 3}", "output.top_k", "must be at most 2, the number of classes, got 3"),
        ("aimass: 1\noutput: {threshold: 50}", "output.threshold", "must be between 0 and 1"),
        ("aimass: 1\noutput: {threshold: -1}", "output.threshold", "must be between 0 and 1"),
        ("aimass: 1\noutput: {threshold: 1e-2, top_k: 1_0}", "output.top_k", "must be a whole number, got 1_0"),
        ('aimass: 1\noutput: {top_k: "5"}', "output.top_k", "must be a whole number, got '5'"),
        ("aimass: 1\noutput: {top_k: 5.0e+0}", "output.top_k", "must be a whole number, got 5.0e+0"),
        ("aimass: 1\noutput: {activation: True}", "output.activation", "got True"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(text, field, problem):
    assert problem in fields(text)[field]


def test_a_row_must_give_every_input_and_fill_it():
    text = "aimass: 1\ninput: {table: {columns: [{name: a, input: x}, {name: a, input: x, missing: none}]}}"
    wrong = fields(text, PEOPLE)
    assert "'color' BYTES [-1, 1]" in wrong["input.table.columns"]
    assert "another column's name" in wrong["input.table.columns.1.name"]
    assert "must be a number" in wrong["input.table.columns.1.missing"]
    wide = "aimass: 1\ninput: {table: {columns: [{name: a, input: x}, {name: color}]}}"
    assert fields(wide, PEOPLE)["input.table.columns"].endswith("are 1 for input 'x', which is 2 wide")


def test_batching_needs_rows_everywhere():
    text = "aimass: 1\nbatching: {max_batch: 8}"
    fixed = replace(PHOTOS, inputs=(spec("x", [4, 2]),), outputs=(spec("y", [4, 2]),))
    assert described(text, fixed).batching == Batching(8)
    mixed = replace(fixed, outputs=(spec("y", [-1, 2]),))
    assert "first dimension" in fields(text, mixed)["batching"]
    scalar = replace(fixed, outputs=(spec("y", []),))
    assert "needs rows" in fields(text, scalar)["batching"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"a: &x 1", "anchor"),
        (b"a: *x", "alias"),
        (b"a: !!python/object:os.system x", "tag"),
        (b"[" * 100_000, "more than 8 levels"),
        (b"- a\n" * 60_000, "more than 50000 values"),
        (b"aimass: 1\n---\naimass: 1", "line 2: a second document"),
        (b"aimass: 1\n\xff", "line 2: it is not UTF-8"),
        (b"aimass: 1\nlabels: [", "line 3: it cannot be read"),
        (b"aimass: 1\nlabels: \x00", "cannot be read"),
        (b"? [a]\n: 1", "a key must be a word"),
        (b"x" * (MAX_BYTES + 1), "at most 262144"),
        (b"", "must be a mapping"),
    ],
)
def test_what_is_no_plain_document_is_refused_before_it_costs_anything(body, why):
    with pytest.raises(InvalidArguments, match=why):
        read_document(body)


SEEN = [PHOTOS, TOKENS, STRINGS, PEOPLE, replace(PHOTOS, labels=("a", "b"), raw_scores=frozenset({"logits"}))]
WORDS = st.sampled_from(
    [
        "aimass",
        "labels",
        "input",
        "output",
        "image",
        "text",
        "table",
        "batching",
        "resize",
        "crop",
        "shorter",
        "height",
        "width",
        "scale",
        "mean",
        "std",
        "columns",
        "name",
        "values",
        "missing",
        "tokenizer",
        "ids",
        "mask",
        "max_length",
        "max_batch",
        "pixels",
        "logits",
        "x",
        "color",
        "cat",
        "1",
        "2",
        "224",
        "0.5",
        "no",
        "null",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "-",
        "'",
        '"',
        "&",
        "*",
        "!",
        "|",
        ">",
        "#",
        "?",
        "%",
        "@",
        "`",
        "~",
    ]
)
NAMES = st.sampled_from(
    [
        *["aimass", "labels", "input", "output", "image", "text", "table", "columns", "name", "resize", "pixels", "x"],
        "é",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def answers(body, seen):
    """Whatever else is raised fails the test."""
    try:
        described = describe(read_document(body), seen)
    except InvalidArguments as error:
        problems = error.details["fields"]
    else:
        problems = isinstance(described, Description)
    assert problems


@given(st.binary(max_size=200), st.sampled_from(SEEN))
def test_any_bytes_are_a_description_or_refused(body, seen):
    answers(body, seen)


@given(st.lists(WORDS | st.sampled_from(["\n", "\n  ", " "]), max_size=40), st.sampled_from(SEEN))
def test_any_words_of_the_schema_are_a_description_or_refused(words, seen):
    answers(" ".join(words).encode(), seen)


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.sampled_from(SEEN))
def test_any_json_is_a_description_or_refused(document, seen):
    answers(json.dumps({"aimass": 1} | document).encode(), seen)


numbers = st.floats(-1e30, 1e30).filter(lambda value: value == 0 or abs(value) > 1e-30)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
three = st.none() | st.tuples(numbers, numbers, numbers)
images = st.builds(
    ImageInput,
    input=st.just("pixels"),
    color=st.sampled_from(["RGB", "BGR"]),
    resize=st.none()
    | st.builds(Resize, shorter=st.integers(1, 999), interpolation=st.sampled_from(["box", "nearest"])),
    crop=st.none() | st.just((224, 224)),
    scale=numbers,
    mean=st.just(()) | st.tuples(numbers, numbers, numbers),
    std=st.just(()) | st.tuples(*[numbers.filter(bool)] * 3),
)
classes = st.builds(
    ClassOutput,
    output=st.just("logits"),
    activation=st.sampled_from([None, "softmax", "sigmoid"]),
    top_k=st.none() | st.integers(1, 2),
    threshold=st.none() | st.floats(0, 1).filter(lambda value: value == 0 or value > 1e-30),
)
batches = st.none() | st.builds(Batching, max_batch=st.integers(2, 1024), max_delay_ms=st.floats(0, 1000).map(round))


@given(st.tuples(texts, texts), st.none() | images, classes, batches)
def test_a_description_survives_its_document(labels, image, output, batching):
    whole = Description(labels, image=image, classes=output, batching=batching)
    body = json.dumps(document_of(whole)).encode()
    assert describe(read_document(body), PHOTOS) == whole


@pytest.mark.parametrize(
    ("whole", "seen"),
    [
        (Description(), PHOTOS),
        (Description(text=TextInput(input="text")), STRINGS),
        (
            Description(text=TextInput(tokenizer=Tokenizer("tokenizer.json", "input_ids", "attention_mask", None, 7))),
            TOKENS,
        ),
        (
            Description(
                table=TableInput((Column("a", "x", 1.5), Column("b", "x", "u", ("u", "v")), Column("c", "color", "")))
            ),
            PEOPLE,
        ),
    ],
)
def test_texts_and_tables_survive_their_documents(whole, seen):
    assert describe(read_document(json.dumps(document_of(whole)).encode()), seen) == whole


def test_of_very_many_problems_the_first_are_told():
    error = refused("aimass: 1\nlabels: [" + "no, " * 10_000 + "]")
    assert len(error.details["fields"]) == 20
    assert error.message.endswith("; and more")
