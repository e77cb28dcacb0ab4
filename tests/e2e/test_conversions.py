"""Models that are converted, or kept as they are, over HTTP."""

import json
import struct
import subprocess
import textwrap

import numpy as np
import pytest
import requests

from local.converters import installed, python_of

pytestmark = pytest.mark.e2e
needs_trees = pytest.mark.skipif("trees" not in installed(), reason="make convert-trees makes what converts these")

TRAIN = """
    import json, sys
    import numpy as np
    import xgboost

    random = np.random.default_rng(0)
    rows = random.normal(size=(400, 4)).astype(np.float32)
    classes = (rows[:, 0] + rows[:, 1] * rows[:, 2] > 0).astype(int)
    model = xgboost.XGBClassifier(n_estimators=10, max_depth=3).fit(rows, classes)
    model.save_model(sys.argv[1])
    print(json.dumps([rows[:50].tolist(), model.predict_proba(rows[:50]).tolist()]))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model's file, rows, and what XGBoost itself answers to them."""
    path = tmp_path_factory.mktemp("xgboost") / "model.json"
    command = [str(python_of("convert-trees")), "-c", textwrap.dedent(TRAIN), str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows, probabilities = json.loads(told)
    return path.read_bytes(), np.array(rows, np.float32), np.array(probabilities, np.float32)


@pytest.fixture(scope="module")
def converted(client, trained):
    job = client.import_model("boosted", trained[0], "model.json")
    assert job["state"] == "succeeded", job
    return job, client.call("GET", "/api/v1/models/boosted/versions/1").json()


@needs_trees
def test_a_converted_model_answers_as_its_own_library_does(client, converted, trained):
    _, rows, probabilities = trained
    answered = client.infer("boosted", {converted[1]["inputs"][0]["name"]: rows})
    np.testing.assert_allclose(answered["probabilities"], probabilities, atol=1e-6)


@needs_trees
def test_a_version_says_what_converted_it_how_and_how_near_it_is(converted, trained):
    _, version = converted
    conversion = version["conversion"]
    assert (version["format"], conversion["environment"]) == ("xgboost-json", "trees")
    assert version["framework"].startswith("XGBoost")
    assert {"xgboost", "onnxruntime"} <= conversion["tools"].keys()
    assert conversion["isolation"]
    assert conversion["replay"]["rows"] > 50
    assert all(one["within"] for one in conversion["replay"]["differences"])
    assert conversion["drift_accepted"] is False
    assert version["opset"]["ai.onnx.ml"] >= 1
    assert version["source"]["size"] == len(trained[0])


@needs_trees
def test_the_jobs_log_tells_of_the_conversion(client, converted):
    lines = client.call("GET", f"/api/v1/jobs/{converted[0]['job_id']}/log").json()["lines"]
    text = "\n".join(line["message"] for line in lines if line["step"] == "convert")
    assert "xgboost-json goes to the environment trees" in text
    waiting, started, storing = (
        text.index(one) for one in ("waiting for a place", "has its place", "storing the ONNX")
    )
    assert waiting < started < storing
    assert "to ONNX in" in text
    assert "within the tolerance" in text


@needs_trees
def test_a_jobs_steps_are_listed_once_each_with_their_state(converted):
    steps = [(one["step"], one["attempt"], one["state"]) for one in converted[0]["steps"]]
    assert steps == [(step, 1, "succeeded") for step in ("identify", "convert", "verify", "register")]


@needs_trees
def test_a_converted_version_is_verified_again_as_any_other(client, converted):
    started = client.call("POST", "/api/v1/models/boosted/versions/1/verify")
    assert client.await_job(started.json()["job_id"])["state"] == "succeeded"
    version = client.call("GET", "/api/v1/models/boosted/versions/1").json()
    assert version["conversion"] == converted[1]["conversion"]


@needs_trees
def test_a_model_that_its_library_cannot_open_is_refused_with_the_reason(client, trained):
    job = client.import_model("torn", trained[0][: len(trained[0]) // 2], "model.json")
    assert job["state"] == "failed"
    assert job["error"]["code"] in {"conversion_failed", "truncated_model", "unsupported_format", "invalid_model"}
    assert "Traceback" not in job["error"]["message"]


TRAIN_ENCODER = """
    import sys
    import joblib, pandas
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    table = pandas.DataFrame({"town": ["Oslo", "New York", "Rome"] * 40, "age": range(120)})
    columns = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(table, table.town == "Rome")
    joblib.dump(model, sys.argv[1])
"""


@needs_trees
def test_an_encoder_that_takes_its_own_words_alone_needs_no_sample(client, tmp_path):
    command = [str(python_of("convert-trees")), "-c", textwrap.dedent(TRAIN_ENCODER), str(tmp_path / "towns.pkl")]
    subprocess.run(command, capture_output=True, check=True)
    job = client.import_model("towns", (tmp_path / "towns.pkl").read_bytes(), "towns.pkl")
    assert job["state"] == "succeeded", job
    version = client.call("GET", "/api/v1/models/towns/versions/1").json()
    assert version["sample"]["path"] == "sample.npz"
    asked = {"model_name": "towns", "input_format": "json", "data": [{"town": "Rome", "age": 30}]}
    answered = client.call("POST", "/predict", json=asked)
    assert answered.status_code == 200, answered.text
    again = client.call("POST", "/api/v1/models/towns/versions/1/verify").json()
    assert client.await_job(again["job_id"])["state"] == "succeeded"


def gguf():
    """One tensor of 32 zeros, and three facts."""

    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    def entry(key, kind, value):
        return text(key) + struct.pack("<I", kind) + value

    facts = entry("general.architecture", 8, text("llama")) + entry("general.name", 8, text("tiny"))
    facts += entry("llama.context_length", 4, struct.pack("<I", 2048))
    tensor = text("token_embd.weight") + struct.pack("<IQQIQ", 2, 8, 4, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 3) + facts + tensor
    return head + bytes(-len(head) % 32) + bytes(128)


@pytest.fixture(scope="module")
def kept(client):
    body = gguf()
    job = client.import_model("llm", body, "tiny.gguf")
    assert job["state"] == "succeeded", job
    return body


def test_a_language_model_is_kept_with_what_its_file_says(client, kept):
    version = client.call("GET", "/api/v1/models/llm/versions/1").json()
    assert (version["state"], version["format"], version["size"]) == ("stored", "gguf", len(kept))
    assert version["facts"]["architecture"] == "llama"
    listed = client.call("GET", "/api/v1/models/llm/versions?state=all").json()["versions"]
    assert [(one["version"], one["state"]) for one in listed] == [(1, "stored")]


def test_what_is_kept_can_be_downloaded(client, kept):
    (file,) = client.call("GET", "/api/v1/models/llm/versions/1/download").json()["files"]
    assert requests.get(file["url"], timeout=60).content == kept


@pytest.mark.parametrize("path", ["/predict/llm", "/v2/models/llm/infer", "/v1/models/llm:predict"])
def test_what_is_kept_answers_nothing_and_says_what_it_needs(client, kept, path):
    body = {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]}
    answer = client.call(
        "POST", path, json=body if "v2" in path else {"instances": [1]} if "v1" in path else {"x": [1]}
    )
    assert answer.status_code == 409, answer.text
    assert "stored, needs a language-model target" in answer.json()["error"]


def test_no_alias_points_at_what_answers_nothing(client, kept):
    answer = client.call("PUT", "/api/v1/models/llm/aliases/prod", json={"version": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_servable")
