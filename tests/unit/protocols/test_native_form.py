"""Multipart forms: the arguments in fields, `data` in files or as text."""

import base64
import io

import numpy as np
import pytest

from tests.unit.protocols.described_models import BLUE, GREEN, IRIS, RED
from tests.unit.protocols.native_caller import form_part, prediction, refusal

CSV = ",".join(IRIS) + "\n5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n"


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


ROW = npy(np.float32([[1, 2, 3, 4]]))


@pytest.mark.parametrize("media_type", ["image/png", "application/octet-stream", None])
def test_a_picture(native, media_type):
    for path, named in (("/predict", [("model_name", "colors")]), ("/predict/colors", [])):
        row = prediction(native.form(path, [*named, ("data", RED, "a.png", media_type)]))
        assert row[0]["label"] == "red"


@pytest.mark.parametrize("media_type", ["image/png", "application/octet-stream", None])
def test_several_pictures_are_a_batch(native, media_type):
    files = [("data", one, f"{at}.png", media_type) for at, one in enumerate([RED, BLUE, GREEN])]
    rows = prediction(native.form("/predict/colors", files))
    assert [row[0]["label"] for row in rows] == ["red", "blue", "green"]


@pytest.mark.parametrize(
    ("model", "file", "wanted"),
    [
        ("scaled", (ROW, "x.npy", "application/octet-stream"), [[2, 4, 6, 8]]),
        ("scaled", (ROW, "upload", None), [[2, 4, 6, 8]]),
        ("scaled", (npz(x=np.float32([[1, 2, 3, 4]])), "x.npz", None), [[2, 4, 6, 8]]),
        ("scaled", (b"[[1, 2, 3, 4]]", "x.json", None), [[2, 4, 6, 8]]),
        ("scaled", (b'{"x": [[1, 2, 3, 4]]}', "x", "application/json"), [[2, 4, 6, 8]]),
        ("scaled", (b"a,b,c,d\n1,2,3,4\n", "x.csv", "application/octet-stream"), [[2, 4, 6, 8]]),
        ("scaled", (b"a,b,c,d\n1,2,3,4\n", "x", "text/csv"), [[2, 4, 6, 8]]),
        ("loud", (b"hey", "a.txt", "text/plain"), ["hey!"]),
        ("loud", (b"hey", "a", None), ["hey!"]),
    ],
)
def test_a_file_by_its_name_its_type_or_its_content(native, model, file, wanted):
    assert prediction(native.form(f"/predict/{model}", [("data", *file)])) == wanted


def test_the_format_asked_for_goes_before_the_files_name(native):
    fields = [("input_format", "text"), ("data", b"a,b\n", "a.csv", "text/csv")]
    assert prediction(native.form("/predict/loud", fields)) == ["a,b\n!"]
    fields = [("input_format", "numpy array"), ("data", ROW, "x.bin", None)]
    assert prediction(native.form("/predict/scaled", fields)) == [[2, 4, 6, 8]]


def test_several_arrays_are_named_as_the_inputs(native):
    files = [("data", npy(np.float32([1])), "x_FP32.npy"), ("data", npy(np.int64([2])), "dir/x_INT64.npy")]
    assert prediction(native.form("/predict/pair", files)) == {"y_FP32": [1], "y_INT64": [2]}
    assert "two files have one name" in refusal(native.form("/predict/pair", [files[0], files[0]]))["data"]


def test_several_texts_are_a_batch(native):
    for fields in (
        [("data", b"a", "1.txt"), ("data", b"b", "2.txt")],
        [("input_format", "text"), ("data", "a"), ("data", "b")],
        [("data", "a"), ("data", "b")],
    ):
        assert prediction(native.form("/predict/loud", fields)) == ["a!", "b!"]


@pytest.mark.parametrize(
    ("model", "input_format", "text", "wanted"),
    [
        ("scaled", "numpy array", "[[1, 2, 3, 4]]", [[2, 4, 6, 8]]),
        ("scaled", "json", '[{"x": [1, 2, 3, 4]}]', [[2, 4, 6, 8]]),
        ("scaled", None, "[[1, 2, 3, 4]]", [[2, 4, 6, 8]]),
        ("scaled", "csv", "a,b,c,d\n1,2,3,4", [[2, 4, 6, 8]]),
        ("loud", "text", "hey", ["hey!"]),
        ("loud", None, "hey", ["hey!"]),
    ],
)
def test_data_as_text(native, model, input_format, text, wanted):
    fields = [("input_format", input_format)] if input_format else []
    assert prediction(native.form(f"/predict/{model}", [*fields, ("data", text)])) == wanted
    typed = ("data", text.encode(), None, "text/plain; charset=utf-8")
    assert prediction(native.form(f"/predict/{model}", [*fields, typed])) == wanted


def test_pictures_as_base64_text(native):
    sent = [("input_format", "image"), ("data", base64.b64encode(RED).decode())]
    assert prediction(native.form("/predict/colors", sent))[0]["label"] == "red"
    rows = prediction(native.form("/predict/colors", [*sent, ("data", base64.b64encode(BLUE).decode())]))
    assert [row[0]["label"] for row in rows] == ["red", "blue"]


def test_a_table_answers_each_row(native):
    rows = prediction(native.form("/predict", [("model_name", "flowers"), ("data", CSV.encode(), "iris.csv")]))
    assert [row[0]["label"] for row in rows] == ["setosa", "virginica"]


def test_version_and_variant_are_fields(native):
    fields = [("data", ROW, "x.npy"), ("version", "1"), ("compress", "original")]
    assert prediction(native.form("/predict/scaled", fields)) == [[2, 4, 6, 8]]
    assert prediction(native.form("/predict/scaled", [fields[0], ("compress", "null")])) == [[2, 4, 6, 8]]
    assert prediction(native.form("/predict/scaled", [fields[0], ("version", "null")])) == [[2, 4, 6, 8]]
    assert native.form("/predict/scaled", [fields[0], ("version", "7")])[0] == 404
    assert "int4" in refusal(native.form("/predict/scaled", [fields[0], ("compress", "int4")]))["compress"]


def test_every_field_that_is_wrong_is_named(native):
    told = refusal(
        native.form(
            "/predict",
            [
                ("version", b"1", "v.txt"),
                ("compress", "a"),
                ("compress", "b"),
                ("colour", "x"),
                ("file", ROW, "x.npy"),
            ],
        )
    )
    assert told == {
        "version": "must be text, not a file",
        "compress": "sent more than once",
        "colour": "unknown field",
        "file": "unknown field; send the file as `data`",
        "data": "missing: send a file, several, or text in the field 'data'",
    }
    assert refusal(native.form("/predict", [("data", ROW, "x.npy")])) == {"model_name": "missing"}
    told = refusal(native.form("/predict/scaled", [("data", ROW, "x.npy"), ("model_name", "other")]))
    assert told == {"model_name": "is 'scaled' in the URL and \"other\" in the body"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ([("data", RED, "a.png"), ("data", ROW, "x.npy")], "of several kinds"),
        ([("data", b"[1]", "a.json"), ("data", b"[2]", "b.json")], "a call takes one"),
        ([("data", b"a\n1", "a.csv"), ("data", b"a\n1", "b.csv")], "a call takes one"),
        ([("input_format", "image"), ("data", RED, "a.png"), ("data", "x")], "both files and text"),
    ],
)
def test_what_does_not_go_together_is_refused(native, fields, told):
    assert told in refusal(native.form("/predict/colors", fields))["data"]


def test_a_form_that_breaks_off_is_refused(native):
    body = form_part("limit", "data", ROW, "x.npy")
    for sent_as in (
        "multipart/form-data; boundary=limit",
        "multipart/form-data",
        "multipart/form-data; boundary=other",
    ):
        status, answer = native.send("/predict/scaled", body, sent_as)
        assert (status, answer["code"]) == (400, "invalid_arguments"), sent_as


def test_a_form_of_very_many_parts_is_refused(native):
    assert "more than 1000 parts" in refusal(native.form("/predict/loud", [("data", "x")] * 1001))["body"]
