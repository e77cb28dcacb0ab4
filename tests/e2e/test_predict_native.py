"""The platform's own protocol over HTTP: every kind of input, to real models."""

import base64
import gzip
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.catalogue import EXAMPLES
from tests.e2e.client import assert_same, expected
from tests.e2e.test_readme import assert_shown, run

pytestmark = pytest.mark.e2e

PAGE = Path("docs/predict.md").read_text()
INPUTS = Path("examples/inputs")
MODELS = {"digits": "digits.tar.gz", "flowers": "flowers.tar.gz", "spam": "spam.onnx", "people": "people.onnx"}


@pytest.fixture(scope="module")
def models(client):
    """The page's models, under names of this test."""
    for name, file in MODELS.items():
        job = client.import_model(f"native-{name}", (INPUTS / file).read_bytes(), file)
        assert job["state"] == "succeeded", job["error"]


def post(client, model, body, content_type="application/x-www-form-urlencoded", **more):
    headers = {"content-type": content_type} | more.pop("headers", {})
    return client.call("POST", f"/predict/native-{model}", data=body, headers=headers, **more)


def prediction(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["prediction"]


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_every_call_of_the_page_answers_what_it_shows(stack):
    """As it stands there, by a tenant of its own: its models are called as others are elsewhere."""
    shown, key = 0, stack.key("page")
    for block, answer in re.findall(r"```sh\n(.*?)```(?:\s*```json\n(.*?)```)?", PAGE, re.DOTALL):
        for command in re.split(r"\n(?=curl )", block.strip()):
            got = run(command, stack.url, key)
            assert got.ok, (command, got.text)
            if answer:
                assert_shown(json.loads(answer), got.json(), command)
                shown += 1
    assert shown == 18


def test_the_page_names_every_input_format():
    from aimass.protocols.native.openapi import INPUT_FORMATS

    assert all(f'`"{name}"`' in PAGE for name in INPUT_FORMATS)


@pytest.mark.parametrize("name", ["magika", "ppocr-rec", "digits", "mtcnn-pnet", "spam"])
def test_a_real_model_answers_an_array_as_onnxruntime_does(client, name):
    (example,) = (one for one in EXAMPLES if one.name == name)
    body = example.model_bytes()
    assert client.import_model(f"npy-{name}", body)["state"] == "succeeded"
    ((_, array),) = example.feed.items()
    array = array.astype("U") if array.dtype == object else array
    answer = client.call("POST", f"/predict/npy-{name}", data=npy(array), headers={"content-type": "application/x-npy"})
    assert answer.status_code == 200, answer.text
    wanted = expected(body, example.feed)
    got = answer.json()["prediction"]
    got = got if len(wanted) > 1 else {next(iter(wanted)): got}
    for output, value in wanted.items():
        if not isinstance(value, list):
            assert_same(output, value, np.array(got[output], value.dtype))


def test_a_picture_posted_to_an_imported_classifier_is_told_in_labels(client, models):
    for name in ("eight", "two"):
        row = prediction(post(client, "digits", (INPUTS / f"{name}.png").read_bytes()))
        assert [one["label"] for one in row][:1] == [name]
        assert len(row) == 3
        assert row[0]["probability"] == max(one["probability"] for one in row) <= 1


def test_the_same_picture_answers_the_same_whatever_way_it_comes(client, models):
    picture = (INPUTS / "two.png").read_bytes()
    asked = {"model_name": "native-digits", "input_format": "image", "data": base64.b64encode(picture).decode()}
    rows = [
        prediction(post(client, "digits", picture, "image/png")),
        prediction(post(client, "digits", picture, "application/octet-stream")),
        prediction(post(client, "digits", gzip.compress(picture), headers={"content-encoding": "gzip"})),
        prediction(client.call("POST", "/predict", json=asked)),
        prediction(client.call("POST", "/predict/native-digits", files={"data": ("two.png", picture)})),
        prediction(
            client.call("POST", "/predict", data={"model_name": "native-digits"}, files={"data": ("two.png", picture)})
        ),
    ]
    assert all(row == rows[0] for row in rows)


def test_tensors_in_tensors_out(client, models):
    answer = post(client, "digits", (INPUTS / "digits.npy").read_bytes()).json()
    assert answer["labels"] == ["eight", "two"]
    assert np.array(answer["prediction"]).shape == np.array(answer["probabilities"]).shape == (2, 10)
    np.testing.assert_allclose(np.sum(answer["probabilities"], axis=1), 1, atol=1e-5)


def test_the_model_version_and_variant_and_the_times_are_in_the_headers(client, models):
    answer = post(client, "people", b"age,visits\n1,2\n", "text/csv")
    assert (answer.headers["x-model-version"], answer.headers["x-model-variant"]) == ("1", "original")
    named = re.findall(r"(\w+);dur=[\d.]+", answer.headers["server-timing"])
    assert named == ["load", "pre", "run", "post", "total"]


@pytest.mark.parametrize(
    ("model", "body", "content_type", "params", "field", "told"),
    [
        ("people", b"age,visits\n1,2\n", "text/csv", {"compress": "int8"}, "compress", "'original'"),
        ("people", b"age,visits\n1,2\n", "text/csv", {"verison": "1"}, "verison", "version, input_format, compress"),
        ("people", b"age,visits\n1,x\n", "text/csv", {}, "data", "line 2, column 'visits'"),
        ("people", b"%PDF-1.7", "application/pdf", {}, "content-type", "image/*"),
        ("digits", b"\x89PNG\r\n\x1a\n broken", "image/png", {}, "picture 0", "cannot be read"),
        ("digits", npy(np.zeros((1, 3, 8, 8), np.float32)), "application/x-npy", {}, "picture", "[1, 3, 8, 8]"),
        ("digits", npy(np.zeros((1, 1, 8, 8), complex)), "application/x-npy", {}, "picture", "got complex128"),
        ("digits", b"\x93NUMPY\x01\x00\x40\x00" + b"(" * 64, "application/x-npy", {}, "picture", "header"),
    ],
)
def test_what_is_wrong_is_named(client, models, model, body, content_type, params, field, told):
    answer = post(client, model, body, content_type, params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_arguments"), answer.text
    assert told in answer.json()["details"]["fields"][field]


def test_a_version_that_nothing_is_said_of_takes_no_pictures(client, models):
    answer = post(client, "people", (INPUTS / "two.png").read_bytes(), "image/png")
    assert answer.status_code == 400
    assert "'age' FP32 [-1, 1]" in answer.json()["error"]
