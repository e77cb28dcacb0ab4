"""Public clients, unmodified, each in a process of its own: what they were written for is what they get here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import requests
import tritonclient.http as triton

from tests.unit.inference.models import scaled

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent / "public_clients"
OVERLAY = Path(sys.prefix) / "clients"
MODEL = "doubled"


@pytest.fixture(scope="module")
def model(client):
    for factor in (2.0, 3.0):
        assert client.import_model(MODEL, scaled(factor=factor).SerializeToString())["state"] == "succeeded"
    moved = client.call("PUT", f"/api/v1/models/{MODEL}/aliases/prod", json={"version": 1})
    assert moved.status_code == 200, moved.text
    return MODEL


def run(*arguments):
    """Python with the clients laid over the environment of the tests."""
    command = [sys.executable, "-W", "ignore", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(OVERLAY), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def seen_by(script, client, model):
    return json.loads(run(HERE / script, client.url, model, json.dumps(client.headers)).splitlines()[-1])


def test_kserves_client(client, model):
    seen = seen_by("kserve_client.py", client, model)
    assert (seen["live"], seen["ready"], seen["model_ready"], seen["unknown_ready"]) == (True, True, True, False)
    answers = [seen[f"{sent} to {wanted}"] for sent in ("json", "binary") for wanted in ("json", "binary")]
    for answer in answers:
        expected = {"exact": True, "id": "seven", "model": model, "coding": "gzip", "marks": ["1", "original"]}
        assert answer == expected
    status, text = seen["refused"]
    assert status == 400
    assert "input 'x': wants FP32 of shape [-1, 4], got shape [1000, 3]" in text


def test_open_inference_openapis_client(client, model):
    seen = seen_by("open_inference_client.py", client, model)
    assert seen["server"][0] == "aimass"
    assert "binary_tensor_data" in seen["server"][1]
    tensors = [(name, seen["metadata"][side][0]["shape"]) for name, side in (("x", "inputs"), ("y", "outputs"))]
    assert (seen["metadata"]["versions"], tensors) == (["1"], [("x", [-1, 4]), ("y", [-1, 4])])
    answer = seen["answer"]
    assert (answer["model_name"], answer["model_version"], answer["id"]) == (model, "1", "seven")
    assert [(one["name"], one["data"]) for one in answer["outputs"]] == [("y", [1.0, -2.0, 4.0, 6.0])]
    assert seen["by_version"]
    assert seen["bad"] == [400, "input 'x': wants FP32 of shape [-1, 4], got shape [1, 3]"]
    assert (seen["unknown"][0], seen["unknown_version"][0]) == (404, 404)


@pytest.mark.parametrize("binary", [False, True])
def test_mlserver_infer(client, model, tmp_path, binary):
    rows = [[0.5, -1.0, 2.0, 3.0], [1e-40, 65504.0, 0.0, -0.5]]
    tensors = [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": row} for row in rows]
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps({"inputs": [one]}) for one in tensors))
    headers = [part for name, value in client.headers.items() for part in ("-H", f"{name}: {value}")]
    scheme, _, address = client.url.partition("://")
    options = ["-u", address, "-m", model, "-i", tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl", "-w", 1, *headers]
    options += ["--use-ssl"] if scheme == "https" else []
    options += ["-b"] if binary else []
    run("-c", "from mlserver.cli import main; main()", "infer", *options)
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    answers.sort(key=lambda one: one["parameters"]["batch_index"])
    for row, answer in zip(rows, answers, strict=True):
        (output,) = answer["outputs"]
        np.testing.assert_array_equal(np.array(output["data"], np.float32), np.array(row, np.float32) * 2)


@pytest.fixture(scope="module")
def remote(client):
    scheme, _, address = client.url.partition("://")
    with triton.InferenceServerClient(
        address, ssl=scheme == "https", connection_timeout=60, network_timeout=60
    ) as remote:
        yield remote


@pytest.fixture
def headers(client):
    """tritonclient adds its own to what it is given."""
    return dict(client.headers)


def tensor(array, binary=True, name="x"):
    given = triton.InferInput(name, list(array.shape), triton.np_to_triton_dtype(array.dtype))
    given.set_data_from_numpy(array, binary_data=binary)
    return given


def test_tritonclient_asks_for_health_metadata_configuration_and_statistics(remote, model, headers):
    assert remote.is_server_live()
    assert remote.is_server_ready()
    assert remote.is_model_ready(model, headers=headers)
    assert remote.is_model_ready(model, "2", headers=headers)
    assert not remote.is_model_ready(model, "99", headers=headers)
    assert not remote.is_model_ready("no-such-model", headers=headers)
    server = remote.get_server_metadata(headers=headers)
    assert {"binary_tensor_data", "classification", "statistics"} <= set(server["extensions"])
    assert remote.get_model_metadata(model, "2", headers=headers)["versions"] == ["2"]
    config = remote.get_model_config(model, headers=headers)
    assert (config["max_batch_size"], config["input"][0]["data_type"]) == (0, "TYPE_FP32")
    remote.infer(model, [tensor(np.ones((3, 4), np.float32))], headers=dict(headers))
    (stats,) = remote.get_inference_statistics(model, headers=headers)["model_stats"]
    assert (stats["name"], stats["version"]) == (model, "1")
    assert stats["inference_stats"].keys() >= {"success", "fail", "queue", "compute_infer"}
    index = remote.get_model_repository_index(headers=headers)
    found = [(one["version"], one["state"]) for one in index if one["name"] == model]
    assert found == [("1", "READY"), ("2", "READY")]


@pytest.mark.parametrize("asked_binary", [False, True])
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("coding", [None, "gzip", "deflate"])
def test_tritonclient_infers_in_every_form_and_coding(remote, model, headers, coding, binary, asked_binary):
    rows = np.arange(4000, dtype=np.float32).reshape(-1, 4)
    answer = remote.infer(
        model,
        [tensor(rows, binary)],
        outputs=[triton.InferRequestedOutput("y", binary_data=asked_binary)],
        request_id="seven",
        headers=headers,
        request_compression_algorithm=coding,
        response_compression_algorithm="gzip" if coding else None,
    )
    np.testing.assert_array_equal(answer.as_numpy("y"), rows * 2)
    assert answer.get_response()["id"] == "seven"


def test_tritonclient_reads_classes_and_names_a_version(remote, model, headers):
    outputs = [triton.InferRequestedOutput("y", class_count=2)]
    given = [tensor(np.array([[1, 4, 2, 3]], np.float32))]
    answer = remote.infer(model, given, model_version="2", outputs=outputs, headers=headers)
    assert answer.as_numpy("y").tolist() == [[b"12.000000:1", b"9.000000:3"]]


def test_tritonclient_is_told_what_is_wrong(remote, model, headers):
    with pytest.raises(triton.InferenceServerException, match=r"input 'x': wants FP32 of shape \[-1, 4\]"):
        remote.infer(model, [tensor(np.ones((1, 3), np.float32))], headers=dict(headers))
    with pytest.raises(triton.InferenceServerException, match="no model 'no-such-model'"):
        remote.infer("no-such-model", [tensor(np.ones((1, 4), np.float32))], headers=dict(headers))


def test_requests_speaks_both_wires_and_is_answered_in_gzip(client, model):
    rows = np.arange(4000).reshape(-1, 4).tolist()
    wanted = [[2.0 * one for one in row] for row in rows]
    served = requests.post(
        f"{client.url}/v1/models/{model}:predict", json={"instances": rows}, headers=client.headers, timeout=60
    )
    assert served.headers["Content-Encoding"] == "gzip"
    assert served.json()["predictions"] == wanted
    plain = requests.post(
        f"{client.url}/v1/models/{model}/labels/prod:predict",
        json={"inputs": rows},
        headers=client.headers | {"Accept-Encoding": "identity"},
        timeout=60,
    )
    assert "Content-Encoding" not in plain.headers
    assert plain.json()["outputs"] == wanted
    for answer in (served, plain):
        assert (answer.headers["x-model-version"], answer.headers["x-model-variant"]) == ("1", "original")
        assert answer.headers["server-timing"].startswith("load;dur=")


def test_requests_sees_tensorflow_servings_status_and_metadata(client, model):
    status = client.call("GET", f"/v1/models/{model}").json()["model_version_status"]
    assert [(one["version"], one["state"]) for one in status] == [("1", "AVAILABLE"), ("2", "AVAILABLE")]
    metadata = client.call("GET", f"/v1/models/{model}/versions/2/metadata").json()
    assert metadata["model_spec"] == {"name": model, "signature_name": "", "version": "2"}
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["x"]["tensor_shape"]["dim"][1] == {"size": "4", "name": ""}
    unknown = client.call("GET", f"/v1/models/{model}/labels/none")
    assert (unknown.status_code, unknown.json().keys()) == (404, {"error"})


def test_requests_sends_a_raw_body_and_reads_its_answer(client, model):
    rows = np.arange(8, dtype=np.float32)
    headers = {"inference-header-content-length": "0", "content-type": "application/octet-stream"}
    answer = client.call("POST", f"/v2/models/{model}/infer", data=rows.tobytes(), headers=headers)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    length = int(answer.headers["Inference-Header-Content-Length"])
    np.testing.assert_array_equal(np.frombuffer(answer.content[length:], np.float32), rows * 2)


def test_the_server_is_described_with_and_without_a_slash(client, model):
    for path in ("/v2", "/v2/"):
        assert client.call("GET", path).json()["name"] == "aimass", path
