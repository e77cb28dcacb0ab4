import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.errors import InvalidArguments
from aimass.protocols.upload_form import FormFile, parse_upload_form


def form(*parts, boundary="XX"):
    body = b""
    for name, filename, content in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
        body += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


MODEL = ("model", "a.onnx", b"\x00\x01\r\n--X")


def test_a_whole_form_reads_back(tmp_path):
    parsed = parse_upload_form(
        *form(
            MODEL,
            ("data", "sample.npz", b"npz"),
            ("name", None, b"digits"),
            ("version", None, b"7"),
            ("label", None, "bäst".encode()),
            ("labels", None, b'["a, b", "c"]'),
        )
    )
    assert parsed.model == FormFile("a.onnx", b"\x00\x01\r\n--X")
    assert parsed.data == FormFile("sample.npz", b"npz")
    assert (parsed.name, parsed.version, parsed.label, parsed.labels) == ("digits", 7, "bäst", ("a, b", "c"))


@pytest.mark.parametrize(("text", "accepted"), [(b"true", True), (b"True", True), (b"false", False)])
def test_drift_is_accepted_where_it_is_said(text, accepted):
    assert parse_upload_form(*form(MODEL, ("accept_drift", None, text))).accept_drift is accepted
    assert parse_upload_form(*form(MODEL)).accept_drift is False


def test_anything_else_about_drift_is_refused():
    with pytest.raises(InvalidArguments, match="accept_drift: must be true or false, got 'perhaps'"):
        parse_upload_form(*form(MODEL, ("accept_drift", None, b"perhaps")))


@pytest.mark.parametrize("filename", [None, "aimass.yaml"])
def test_a_description_may_be_text_or_a_file(filename):
    parsed = parse_upload_form(*form(MODEL, ("description", filename, "aimass: 1 # é".encode())))
    assert parsed.description == "aimass: 1 # é".encode()


def test_two_descriptions_are_refused():
    with pytest.raises(InvalidArguments, match="description: sent more than once"):
        parse_upload_form(*form(MODEL, ("description", None, b"a"), ("description", "aimass.yaml", b"a")))


def test_file_is_another_name_for_model():
    assert parse_upload_form(*form(("file", "a.onnx", b"x"))).model.body == b"x"


def test_labels_may_be_separated_by_commas():
    assert parse_upload_form(*form(MODEL, ("labels", None, b"cat, dog"))).labels == ("cat", "dog")


def test_a_large_file_keeps_all_its_bytes():
    body = bytes(range(256)) * 16_384
    assert parse_upload_form(*form(("model", "a.onnx", body))).model.body == body


def test_a_field_for_each_label_keeps_them_all():
    parts = [("labels", None, name) for name in (b"cat", b"dog", b"a, b")]
    assert parse_upload_form(*form(MODEL, *parts)).labels == ("cat", "dog", "a, b")


def test_only_the_last_part_of_a_sent_path_is_the_file_name():
    assert parse_upload_form(*form(("model", "C:\\models\\a.onnx", b"x"))).model.filename == "a.onnx"


@pytest.mark.parametrize(
    ("parts", "field", "reason"),
    [
        ([("name", None, b"digits")], "model", "missing"),
        ([MODEL, ("version", None, b"one")], "version", "must be a number"),
        ([MODEL, ("version", None, b"0")], "version", "must be a number"),
        ([MODEL, ("version", None, "٣".encode())], "version", "must be a number"),
        ([MODEL, ("labels", None, b"[1, 2]")], "labels", "JSON list of strings"),
        ([MODEL, ("labels", None, b"[")], "labels", "JSON list of strings"),
        ([MODEL, ("version", None, b"0000001999999")], "version", "must be a number"),
        ([MODEL, ("version", None, b"1"), ("version", None, b"2")], "version", "more than once"),
        ([MODEL, ("model", "weights.bin", b"w")], "model", "one .tar.gz"),
        ([MODEL, ("labels", None, b'{"a": 1}')], "labels", "JSON list of strings"),
        ([MODEL, ("labels", None, b"[" * 100_000)], "labels", "JSON list of strings"),
        ([MODEL, ("modle", None, b"x")], "modle", "unknown field"),
        ([("model", None, b"text")], "model", "must be a file"),
        ([MODEL, ("name", "n.txt", b"x")], "name", "must be text"),
        ([MODEL, ("file", "b.onnx", b"x")], "file", "either"),
    ],
)
def test_every_bad_field_is_named_with_its_reason(parts, field, reason):
    with pytest.raises(InvalidArguments) as caught:
        parse_upload_form(*form(*parts))
    assert reason in caught.value.details["fields"][field]
    assert field in caught.value.message


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("", b""),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=XX", b"garbage"),
    ],
)
def test_a_body_that_is_no_form_is_refused(content_type, body):
    with pytest.raises(InvalidArguments):
        parse_upload_form(content_type, body)


def test_a_form_cut_short_is_refused():
    content_type, body = form(MODEL)
    with pytest.raises(InvalidArguments):
        parse_upload_form(content_type, body[:40])


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_parser(body):
    with pytest.raises(InvalidArguments):
        parse_upload_form("multipart/form-data; boundary=XX", body)
