"""Model descriptions over HTTP: they come with a bundle, are set and dropped, and predictions follow."""

import hashlib
import io
import json
import subprocess
import textwrap
import time
import zipfile

import numpy as np
import pytest
import requests
from PIL import Image

from local.converters import installed, python_of
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


TRAIN = """
    import json, sys
    import joblib, numpy as np, xgboost
    from sklearn.svm import LinearSVC

    random = np.random.default_rng(0)
    rows = random.normal(size=(400, 2)).astype(np.float32)
    rows[::7, 0] = np.nan
    classes = (rows[:, 1] > 0).astype(int)
    trained = xgboost.DMatrix(rows, classes, feature_names=["age", "income"])
    boosted = xgboost.train({"objective": "binary:logistic", "max_depth": 2}, trained, 8)
    boosted.save_model(f"{sys.argv[1]}/boosted.json")
    whole = rows[~np.isnan(rows[:, 0])]
    names = np.array(["bad", "good", "unsure"])[np.arange(len(whole)) % 3]
    svm = LinearSVC().fit(whole, names)
    joblib.dump(svm, f"{sys.argv[1]}/svm.joblib")
    told = xgboost.DMatrix(np.float32([[np.nan, 1.5]]), feature_names=["age", "income"])
    print(json.dumps([float(boosted.predict(told)[0]), svm.decision_function([[0.5, 1.5]])[0].tolist()]))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with two models, and what their own libraries answer."""
    folder = tmp_path_factory.mktemp("trained")
    command = [str(python_of("convert-trees")), "-c", textwrap.dedent(TRAIN), str(folder)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return folder, *json.loads(told)


@pytest.mark.skipif("trees" not in installed(), reason="make convert-trees makes what converts these")
def test_a_converted_model_takes_rows_with_missing_cells_by_its_own_columns(client, trained):
    folder, probability, _ = trained
    job = client.import_model("boosted-rows", (folder / "boosted.json").read_bytes(), "boosted.json")
    assert job["state"] == "succeeded", job
    answer = client.call(
        "POST", "/predict/boosted-rows", data="income,age\n1.5,\n", headers={"content-type": "text/csv"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["probabilities"][0][1] == pytest.approx(probability, abs=1e-5)


@pytest.mark.skipif("trees" not in installed(), reason="make convert-trees makes what converts these")
def test_the_margins_of_a_converted_model_are_scores_and_no_probabilities(client, trained):
    folder, _, margins = trained
    job = client.import_model("svm", (folder / "svm.joblib").read_bytes(), "svm.joblib")
    assert job["state"] == "succeeded", job
    path = "/api/v1/models/svm/versions/1/description"
    described = client.call("GET", path).json()
    assert (described["labels"], described["output"]["activation"]) == (["bad", "good", "unsure"], None)
    columns = "aimass: 1\ninput: {table: {columns: [{name: a}, {name: b}]}}"
    put = client.call("PUT", path, data=columns, headers={"content-type": "application/yaml"})
    assert (put.status_code, put.json()["output"]["activation"]) == (200, None)
    deadline = time.monotonic() + SEEN_SECONDS
    rows = {"data": "a,b\n0.5,1.5\n", "headers": {"content-type": "text/csv"}}
    while (answer := client.call("POST", "/predict/svm", **rows)).status_code != 200 or (
        "label" not in answer.json()["prediction"][0][0]
    ):
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    told = {one["label"]: one["score"] for one in answer.json()["prediction"][0]}
    assert [told[name] for name in ("bad", "good", "unsure")] == pytest.approx(margins, abs=1e-4)
