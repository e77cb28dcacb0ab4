"""What a converter knows of a model: under what its owner wrote, above what the model itself shows."""

from __future__ import annotations

import json
import math

import pytest

from aimass.domain.description import ClassOutput, Column, TableInput
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.formats.converters._table import table
from aimass.formats.description import describe, read_document
from aimass.formats.description_document import document_of
from aimass.formats.known_sections import known_sections
from aimass.formats.seen import Seen


def spec(name, shape, datatype="FP32"):
    onnx = {"FP32": "tensor(float)", "INT64": "tensor(int64)", "BYTES": "tensor(string)"}[datatype]
    return TensorSpec(name, datatype, tuple(shape), onnx)


MARGINS = {"output": {"output": "scores", "activation": "none"}}
LINEAR = (spec("input", [-1, 2]),), (spec("best", [-1], "INT64"), spec("scores", [-1, 3]))


def seen(describes, inputs=LINEAR[0], outputs=LINEAR[1], **other):
    return Seen(inputs, outputs, known=known_sections(describes), **{"raw_scores": frozenset({"scores"})} | other)


def described(text, *given, **other):
    return describe(read_document(text.encode()) if text else None, seen(*given, **other))


@pytest.mark.parametrize("text", ["", "aimass: 1\nlabels: [a, b, c]", "aimass: 1\noutput: {top_k: 2}"])
def test_margins_stay_as_they_are_where_the_converter_says_so(text):
    found = described(text, MARGINS, labels=("x", "y", "z"))
    assert (found.classes.output, found.classes.activation) == ("scores", None)


def test_what_the_owner_wrote_goes_before_what_the_converter_knows():
    found = described("aimass: 1\noutput: {output: scores, activation: softmax}", MARGINS)
    assert found.classes == ClassOutput("scores", "softmax")
    assert described("aimass: 1\noutput: null", MARGINS, labels=("x", "y", "z")).classes is None


def test_scores_beside_labels_as_scikit_learn_s_converters_write_them_are_no_logits():
    outputs = spec("label", [-1], "INT64"), spec("probabilities", [-1, 3])
    raw = frozenset({"probabilities"})
    assert described("", {}, outputs=outputs, raw_scores=raw, labels=("x", "y", "z")).classes.activation is None


@pytest.mark.parametrize(
    "describes",
    [
        {"output": {"output": "other", "activation": "none"}},
        {"output": {"output": "scores", "activation": "tanh"}},
        {"output": ["scores"]},
        {"labels": ["a"], "aimass": 7, "batching": {"max_batch": 2}},
        {"input": {"table": {"columns": [{"name": "a\nb"}]}}},
        {"input": {"table": {"columns": [{"name": "a", "missing": 1e300}]}}},
        {"input": {"text": {"tokenizer": "elsewhere.json"}}},
    ],
)
def test_what_breaks_the_schema_or_does_not_fit_is_left_out(describes):
    found = described("", describes, labels=("x", "y", "z"))
    assert (found.classes, found.table, found.batching) == (ClassOutput("scores", "softmax"), None, None)


def test_a_table_s_columns_their_categories_and_nan_for_missing_cells_come_from_the_converter():
    found = described("", table(["color", "size"], {"color": ["red", "blue"]}, takes_nan=True))
    assert found.table == TableInput((Column("color", "input", "nan", ("red", "blue")), Column("size", "input", "nan")))
    assert found.inferred == ("input.table",)


def test_what_is_missing_of_each_column_comes_from_the_converter_where_each_has_an_input():
    inputs = (spec("age", [-1, 1]), spec("town", [-1, 1], "BYTES"))
    found = described("", table(["age", "town"], missing={"age": "nan", "town": ""}), inputs)
    assert [(one.input, one.missing) for one in found.table.columns] == [("age", "nan"), ("town", "")]


def test_what_a_table_leaves_out_is_completed_key_by_key():
    names = "aimass: 1\ninput: {table: {columns: [{name: a}, {name: b, missing: 3}]}}"
    found = described(names, table(["x", "y"], takes_nan=True))
    assert found.table == TableInput((Column("a", "input", "nan"), Column("b", "input", 3.0)))
    assert "input.table.missing" in found.inferred
    without = described("aimass: 1\ninput: {table: {missing: null}}", table(["x", "y"], takes_nan=True))
    assert without.table == TableInput((Column("x", "input"), Column("y", "input")))


def test_a_table_without_columns_is_refused_where_nobody_knows_them():
    with pytest.raises(InvalidArguments, match=r"input\.table\.columns is missing"):
        described("aimass: 1\ninput: {table: {missing: null}}", {})


def test_problems_are_told_of_what_is_written_not_of_what_was_filled_in():
    with pytest.raises(InvalidArguments) as refused:
        described("aimass: 1\ninput: {table: {input: nowhere}}", table(["x"]))
    assert "input.table.input" in refused.value.details["fields"]
    assert "line 2" in refused.value.message


@pytest.mark.parametrize("word", [".nan", ".NaN", "nan", "NaN"])
def test_nan_for_missing_cells_can_be_written(word):
    found = described(f"aimass: 1\ninput: {{table: {{columns: [{{name: a, missing: {word}}}, {{name: b}}]}}}}", {})
    assert [column.missing for column in found.table.columns] == ["nan", None]
    whole = described(f"aimass: 1\ninput: {{table: {{missing: {word}, columns: [{{name: a}}, {{name: b}}]}}}}", {})
    assert [column.missing for column in whole.table.columns] == ["nan", "nan"]


def test_nan_is_of_floats_alone():
    inputs = spec("n", [-1, 1], "INT64"), spec("s", [-1, 1], "BYTES")
    columns = "aimass: 1\ninput: {table: {columns: [{name: n, missing: .nan}, {name: s, missing: .nan}]}}"
    with pytest.raises(InvalidArguments) as refused:
        described(columns, {}, inputs=inputs)
    fields = refused.value.details["fields"]
    assert "'n' is INT64" in fields["input.table.columns.0.missing"]
    assert "must be text" in fields["input.table.columns.1.missing"]
    word = "aimass: 1\ninput: {table: {missing: .nan, columns: [{name: n}, {name: s, missing: nan}]}}"
    assert [one.missing for one in described(word, {}, inputs=inputs).table.columns] == [None, "nan"]


def test_nan_among_the_categories_is_one_of_them():
    text = "aimass: 1\ninput: {table: {columns: [{name: a, values: [x, nan], missing: nan}, {name: b}]}}"
    assert described(text, {}).table.columns[0] == Column("a", "input", "nan", ("x", "nan"))


def test_a_number_that_is_nan_is_taken_from_a_converter_as_the_word_is():
    known = {"input": {"table": {"missing": math.nan, "columns": [{"name": "a"}, {"name": "b"}]}}}
    assert [one.missing for one in described("", known).table.columns] == ["nan", "nan"]


def test_what_is_shown_of_nan_reads_back_as_nan():
    found = described("", table(["color", "size"], {"color": ["red", "nan"]}, takes_nan=True))
    again = described(json.dumps(document_of(found), allow_nan=False), {})
    assert again.table == found.table


def test_that_missing_cells_are_nan_is_known_without_the_names_of_columns():
    found = described("", table((), takes_nan=True))
    assert (found.nan_cells, found.table, found.inferred) == (True, None, ("input.table.missing",))
    assert described("aimass: 1\ninput: {table: {missing: .nan}}", {}).nan_cells
    assert described("aimass: 1\ninput: null", table((), takes_nan=True)).nan_cells is False
    named = described("aimass: 1\ninput: {table: {columns: [{name: a}, {name: b}]}}", table((), takes_nan=True))
    assert (named.nan_cells, {column.missing for column in named.table.columns}) == (False, {"nan"})


def test_what_is_said_of_missing_cells_alone_reads_the_same_again():
    document = document_of(described("", table((), takes_nan=True)))
    assert document["input"] == {"table": {"missing": "nan"}}
    assert described(json.dumps(document), {}).nan_cells


def test_missing_cells_of_what_is_no_matrix_of_floats_want_columns():
    with pytest.raises(InvalidArguments, match=r"input\.table\.columns is missing"):
        described("aimass: 1\ninput: {table: {missing: .nan}}", {}, inputs=(spec("n", [-1, 2], "INT64"),))


def test_a_column_of_strings_may_say_which_there_are():
    text = "aimass: 1\ninput: {table: {columns: [{name: c, values: [a, b, ''], missing: ''}]}}"
    found = described(text, {}, inputs=(spec("c", [-1, 1], "BYTES"),))
    assert found.table == TableInput((Column("c", "c", "", ("a", "b", "")),))
