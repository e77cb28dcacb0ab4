"""The input alone as the body of `POST /predict/{model}`: by its media type, or by what it is."""

import gzip
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.description import Description, ImageInput
from aimass.domain.errors import InvalidArguments
from aimass.protocols.native.contents import Content, payload_of
from tests.unit.inference.models import echo
from tests.unit.inference.plane import Shelf
from tests.unit.protocols.described_models import BLUE, IRIS, RED, picture
from tests.unit.protocols.native_caller import prediction, refusal

CURL = "application/x-www-form-urlencoded"
CSV = (",".join(IRIS) + "\n5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n").encode()
ROW = np.float32([[1, 2, 3, 4]])


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("content_type", [None, CURL, "image/png", "IMAGE/JPEG; q=1", "application/octet-stream"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_a_picture_by_its_content_whatever_is_said_of_it(native, content_type, kind):
    row = prediction(native.body("colors", picture("#0000ff", kind), content_type))
    assert row[0]["label"] == "blue"


@pytest.mark.parametrize("content_type", [None, CURL, "application/octet-stream", "application/x-npy"])
def test_an_array_by_its_content(native, content_type):
    assert prediction(native.body("scaled", npy(ROW), content_type)) == [[2, 4, 6, 8]]


@pytest.mark.parametrize("content_type", [None, CURL, "text/csv", "text/csv; charset=utf-8; header=present"])
@pytest.mark.parametrize("model", ["flowers", "iris"])
def test_a_table(native, content_type, model):
    got = prediction(native.body(model, CSV, content_type))
    assert len(got) == 2


@pytest.mark.parametrize("content_type", [None, CURL, "text/plain", "text/plain;charset=UTF-8"])
def test_one_text_to_the_last_character(native, content_type):
    assert prediction(native.body("loud", "ünï, \n".encode(), content_type)) == ["ünï, \n!"]


def test_a_text_that_is_not_in_utf_8_says_so_or_is_refused(native):
    assert prediction(native.body("loud", "ünï".encode("latin-1"), "text/plain; charset=ISO-8859-1")) == ["ünï!"]
    assert prediction(native.body("loud", "ünï".encode("utf-16"), 'text/plain; charset="utf-16"')) == ["ünï!"]
    for name in ("latin-1", "latin1", "L1", "cp1252", "ISO8859_1"):
        assert prediction(native.body("loud", "ünï".encode("latin-1"), f"text/plain; charset={name}")) == ["ünï!"]
    assert prediction(native.body("loud", "ünï".encode(), "text/plain; charset=utf8")) == ["ünï!"]
    assert "no text in utf-8" in refusal(native.body("loud", b"\xff", "text/plain"))["data"]
    for charset in ("punycode", "unicode_escape", "hex", "x" * 39):
        assert charset in refusal(native.body("loud", b"x", f"text/plain; charset={charset}"))["content-type"]


@pytest.mark.parametrize("content_type", [None, CURL, "application/json", "application/json; charset=utf-8"])
@pytest.mark.parametrize(
    "body",
    [
        {"input_format": "numpy array", "data": ROW.tolist()},
        {"model_name": "scaled", "version": "1", "input_format": "json", "compress": None, "data": ROW.tolist()},
        ROW.tolist(),
        [{"x": ROW[0].tolist()}],
    ],
)
def test_json_is_the_arguments_or_data_alone(native, content_type, body):
    assert prediction(native.body("scaled", json.dumps(body).encode(), content_type)) == [[2, 4, 6, 8]]


def test_other_bytes_are_the_only_inputs(native):
    assert prediction(native.body("scaled", ROW.tobytes(), "application/octet-stream")) == [[2, 4, 6, 8]]
    assert prediction(native.body("loud", b"caf\xc3\xa9", "application/octet-stream")) == ["café!"]


@pytest.mark.parametrize("content_type", [None, CURL])
def test_bytes_of_which_nothing_is_said_are_no_tensor(native, content_type):
    told = refusal(native.body("scaled", ROW.tobytes(), content_type))["data"]
    assert "is not recognised" in told
    assert "('x', FP32 of shape [-1, 4]) are application/octet-stream" in told


def test_text_is_no_tensors_bytes(native):
    told = refusal(native.body("scaled", b"sixteen letters!" * 4, "application/octet-stream"))["data"]
    assert "is text, not a tensor's bytes" in told
    assert "no text that this version takes" in refusal(native.body("plain", b"sixteen letters!", CURL))["data"]
    assert prediction(native.body("echo-uint8", b"ab", "application/octet-stream")) == [97, 98]


HEIC = b"\x00\x00\x00\x18ftypheic" + bytes(52)


@pytest.mark.parametrize("content_type", [None, CURL, "image/heic", "application/octet-stream"])
@pytest.mark.parametrize(
    ("body", "name"),
    [(HEIC, "HEIC"), (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3" + bytes(50), "PDF"), (b'<?xml version="1.0"?>\n<svg/>', "SVG")],
)
def test_what_is_taken_for_a_picture_and_is_none_is_named(native, content_type, body, name):
    told = refusal(native.body("colors", body, content_type))["data"]
    assert name in told
    assert "pictures are JPEG, PNG, WebP, GIF, BMP, TIFF" in told
    if not (content_type or "").startswith("image"):
        assert name in refusal(native.body("scaled", body, content_type))["data"]


def test_a_picture_tensor_that_begins_as_a_jpeg_does_is_numbers():
    shelf = Shelf()
    seen = Description(image=ImageInput("x_UINT8"))
    version = shelf.add("echo", echo("UINT8", shape=[1, 2, 2, 1]), description=seen)
    given = payload_of([Content(b"\xff\xd8\xff\x00", "application/octet-stream")], None)(version, refused)
    assert given.inputs["x_UINT8"].tolist() == [[[[255], [216]], [[255], [0]]]]


def refused(version, media):
    raise InvalidArguments("no picture")


def test_a_picture_goes_as_it_is_to_a_model_of_bytes_without_a_description():
    version = Shelf().add("echo", echo("BYTES"))
    given = payload_of([Content(RED, "application/octet-stream")], None)(version, never)
    assert given.inputs["x_BYTES"].tolist() == [RED]


def test_bytes_that_only_begin_as_a_picture_does_are_numbers():
    version = Shelf().add("echo", echo("UINT8", shape=["n"]))
    given = payload_of([Content(b"\xff\xd8\xff\x00", "application/octet-stream")], None)(version, never)
    assert given.inputs["x_UINT8"].tolist() == [255, 216, 255, 0]


def never(version, media):
    raise AssertionError((version, media))


def test_bytes_of_the_wrong_length_are_refused(native):
    assert "x" in refusal(native.body("scaled", ROW.tobytes()[:-2], "application/octet-stream"))


def test_the_query_has_version_format_and_variant(native):
    query = "?version=1&input_format=numpy+array&compress=original"
    assert prediction(native.body("scaled", json.dumps(ROW.tolist()).encode(), None, query)) == [[2, 4, 6, 8]]
    assert prediction(native.body("loud", b'{"a": 1}', None, "?input_format=text&compress=null")) == ['{"a": 1}!']
    assert native.body("scaled", npy(ROW), None, "?version=2")[0] == 404
    assert prediction(native.body("scaled", npy(ROW), None, "?version=null")) == [[2, 4, 6, 8]]
    assert "there are: 'original'" in refusal(native.body("scaled", npy(ROW), None, "?compress=int8"))["compress"]
    assert "'csv'" in refusal(native.body("scaled", npy(ROW), None, "?input_format=smell"))["input_format"]
    assert "version" in refusal(native.body("scaled", npy(ROW), None, "?version="))


def test_unknown_parameters_are_refused_by_name(native):
    told = refusal(native.body("scaled", npy(ROW), None, "?verison=1"))
    assert told == {"verison": "unknown parameter; there are: version, input_format, compress"}
    assert refusal(native.send("/predict?version=1", b"{}")) == {"version": "this call takes no parameters"}


def test_what_the_url_and_the_body_say_must_agree(native):
    body = {"model_name": "iris", "version": 2, "input_format": "json", "data": ROW.tolist()}
    told = refusal(native.body("scaled", json.dumps(body).encode(), None, "?version=1"))
    assert told == {
        "model_name": "is 'scaled' in the URL and \"iris\" in the body",
        "version": "is '1' in the URL and 2 in the body",
    }


def test_arguments_that_are_missing_or_unknown_are_named(native):
    told = refusal(native.body("scaled", b'{"input_format": "json", "dta": 1}', "application/json"))
    assert told == {"data": "missing", "dta": "unknown argument"}


@pytest.mark.parametrize("content_type", [None, CURL, "application/json"])
def test_an_object_without_data_is_the_input(native, content_type):
    def answer(model, sent):
        return native.body(model, json.dumps(sent).encode(), content_type)

    assert prediction(answer("undescribed-people", {"age": 30, "visits": 2}))["total"] == [[32]]
    assert prediction(answer("undescribed-people", {"age": [30, 1], "visits": [2, 3]}))["total"] == [[32], [4]]
    assert prediction(answer("people", {"Visits": 2}))["total"] == [[42]]
    assert prediction(answer("flowers", dict(zip(IRIS, [5.1, 3.5, 1.4, 0.2], strict=True))))[0]["label"] == "setosa"
    assert refusal(answer("scaled", {"dta": 1})) == {"dta": "unknown input", "x": "missing: FP32 of shape [-1, 4]"}


@pytest.mark.parametrize(
    ("name", "route"), [("instances", "POST /v1/models/scaled:predict"), ("inputs", "POST /v2/models/scaled/infer")]
)
def test_a_call_of_another_protocol_is_told_where_it_goes(native, name, route):
    assert route in refusal(native.body("scaled", json.dumps({name: []}).encode()))["data"]
    told = refusal(native.json("scaled", [], **{name: []}))[name]
    assert route.replace("scaled", "{model}") in told


@pytest.mark.parametrize("content_type", [None, CURL, "application/json"])
@pytest.mark.parametrize("model", ["loud", "described-loud"])
def test_a_list_of_texts_is_texts(native, content_type, model):
    assert prediction(native.body(model, b'["a", "b"]', content_type)) == ["a!", "b!"]
    words = native.body("words", b'["good day", "bad"]', content_type)
    assert prediction(words)["y"] == [[2], [1]]
    assert prediction(native.json(model, "hey")) == ["hey!"]
    assert prediction(native.form(f"/predict/{model}", [("data", '["a", "b"]')])) == ["a!", "b!"]


def test_a_media_type_that_is_not_taken_names_those_that_are(native):
    told = refusal(native.body("scaled", b"%PDF", "application/pdf"))["content-type"]
    assert "'application/pdf' is not taken" in told
    assert "application/x-npy" in told
    assert "image/*" in told


@pytest.mark.parametrize("content_type", [None, CURL])
def test_an_empty_body_is_refused(native, content_type):
    assert "is empty" in refusal(native.body("scaled", b"", content_type))["body"]


def test_bodies_may_be_compressed(native):
    assert prediction(native.body("colors", gzip.compress(BLUE), CURL, content_encoding="gzip"))[0]["label"] == "blue"
    bomb = gzip.compress(b"a\n" * 40_000_000)
    assert native.body("iris", bomb, "text/csv", content_encoding="gzip")[0] == 413


def test_json_nested_too_deep_is_refused(native):
    deep = b"[" * 100_000 + b"]" * 100_000
    assert native.body("scaled", deep)[0] == 400
    assert native.body("scaled", b'{"data":' + deep + b',"input_format":"json"}', "application/json")[0] == 400


def test_a_table_for_a_model_of_pictures_tells_what_it_takes(native):
    status, body = native.body("plain", b"a,b\n1,2\n", "text/csv")
    assert (status, body["code"]) == (400, "invalid_arguments")
    assert "'x' FP32 [-1, 3, 8, 8]" in body["error"]


TYPES = [
    None,
    CURL,
    "text/plain",
    "text/csv",
    "application/json",
    "application/x-npy",
    "image/png",
    "application/octet-stream",
]
STARTS = [b"", b"{", b"[", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"BM", b"a,b\n", b"multipart"]


@given(
    st.sampled_from(["colors", "flowers", "people", "loud", "scaled", "words", "pair"]),
    st.sampled_from(TYPES),
    st.sampled_from(STARTS),
    st.binary(max_size=80) | st.text(max_size=40).map(str.encode),
)
def test_no_body_under_any_type_is_a_fault(native, model, content_type, start, rest):
    assert native.body(model, start + rest, content_type)[0] in {200, 400}


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_any_texts_reach_a_model_of_strings_as_they_are(native, texts):
    assert prediction(native.json("loud", texts, "text")) == [text + "!" for text in texts]
    for text in texts:
        assert prediction(native.body("loud", text.encode(), "text/plain")) == [text + "!"]
