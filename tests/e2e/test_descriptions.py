"""Model descriptions over HTTP: they come with a bundle, are set and dropped, and predictions follow."""

import hashlib
import io
import json
import time
import zipfile

import numpy as np
import pytest
import requests
from PIL import Image

from tests.unit.sandbox.graphs import model, node, value, weight

pytestmark = pytest.mark.e2e

SEEN_SECONDS = 5
PATH = "/api/v1/models/colors/versions/1/description"
BRIGHTEST = model(
    [node("ReduceMean", ["pixels"], ["means"], axes=[2, 3], keepdims=0), node("Mul", ["means", "k"], ["logits"])],
    [value("pixels", ["n", 3, 8, 8])],
    [value("logits", ["n", 3])],
    [weight("k", np.array(10, np.float32))],
).SerializeToString()


def bundle(document):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as zipped:
        zipped.writestr("aimass.yaml", document)
        zipped.writestr("model.onnx", BRIGHTEST)
    return body.getvalue()


def picture(color):
    file = io.BytesIO()
    Image.new("RGB", (20, 30), color).save(file, "png")
    return file.getvalue()


def best(client, color):
    answer = client.call("POST", "/predict/colors", data=picture(color), headers={"content-type": "image/png"})
    assert answer.status_code == 200, answer.text
    return answer.json()["prediction"][0]["label"]


def assert_soon(client, color, label):
    deadline = time.monotonic() + SEEN_SECONDS
    while (got := best(client, color)) != label:
        assert time.monotonic() < deadline, got
        time.sleep(0.1)


def test_a_picture_is_answered_by_the_labels_that_hold_now(client):
    job = client.import_model("colors", bundle("aimass: 1\nlabels: [red, green, blue]\n"), "colors.zip")
    assert job["state"] == "succeeded", job["error"]
    shown = client.call("GET", PATH).json()
    assert (shown["labels"], shown["inferred"]) == (["red", "green", "blue"], ["input.image", "output"])
    assert best(client, "blue") == "blue"

    yaml = {"data": "aimass: 1\nlabels: [rot, grün, blau]\n".encode(), "headers": {"content-type": "application/yaml"}}
    answer = client.call("PUT", PATH, **yaml)
    assert (answer.status_code, answer.json()["labels"]) == (200, ["rot", "grün", "blau"])
    assert_soon(client, "lime", "grün")
    assert client.call("GET", "/api/v1/models/colors/versions/1").json()["description"] == answer.json()

    assert client.call("DELETE", PATH).json() == shown
    assert_soon(client, "lime", "green")


def test_a_wrong_document_fails_the_import_or_the_call_and_names_its_lines(client):
    files = {"model": ("wrong.zip", bundle("aimass: 1\nlabels:\n  - red\n  - no\n"))}
    answer = client.call("POST", "/upload?wait=25", files=files, data={"name": "wrong"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_description")
    assert "line 4" in answer.json()["details"]["fields"]["labels.1"]
    files = {"model": ("wrong.onnx", BRIGHTEST), "description": ("aimass.yaml", b"aimass: 1\nlabel: x")}
    answer = client.call("POST", "/upload", files=files, data={"name": "wrong"})
    assert (answer.status_code, list(answer.json()["details"]["fields"])) == (400, ["label"])


def test_a_description_may_come_with_an_upload_in_parts(client):
    announced = {
        "model": "parts",
        "filename": "m.onnx",
        "size": len(BRIGHTEST),
        "sha256": hashlib.sha256(BRIGHTEST).hexdigest(),
        "description": json.dumps({"aimass": 1, "labels": ["a", "b", "c"], "input": None}),
    }
    upload = client.call("POST", "/api/v1/uploads", json=announced).json()
    sent = requests.put(upload["parts"][0]["url"], data=BRIGHTEST, timeout=60)
    parts = [{"part_number": 1, "etag": sent.headers["ETag"]}]
    completed = client.call("POST", f"/api/v1/uploads/{upload['upload_id']}/complete", json={"parts": parts})
    job = client.await_job(completed.json()["job_id"])
    assert job["state"] == "succeeded", job["error"]
    described = client.call("GET", "/api/v1/models/parts/versions/1/description").json()
    assert (described["labels"], described["input"]) == (["a", "b", "c"], None)
    assert described["inferred"] == ["output"]
