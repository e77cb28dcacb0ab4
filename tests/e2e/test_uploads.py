"""Every way in ends in a registered version."""

import hashlib
import io
import json
import re
import tarfile
import zipfile

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from tests.e2e.catalogue import model
from tests.e2e.client import Client

pytestmark = pytest.mark.e2e

WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3)
ROWS = np.array([[1, 0, 0, 0], [0, 1, 1, 0]], np.float32)


def linear(scale: float = 1.0) -> bytes:
    return _linear(numpy_helper.from_array(WEIGHTS * scale, "w"))


def linear_with_external_data(location: str = "weights.bin") -> dict[str, bytes]:
    """A model of two files."""
    weights = T(name="w", data_type=T.FLOAT, dims=[4, 3], data_location=T.EXTERNAL)
    for key, value in {"location": location, "offset": "0", "length": str(WEIGHTS.nbytes)}.items():
        entry = weights.external_data.add()
        entry.key, entry.value = key, value
    return {"model.onnx": _linear(weights), location: WEIGHTS.tobytes()}


def _linear(weights) -> bytes:
    inputs = [h.make_tensor_value_info("x", T.FLOAT, ["n", 4])]
    outputs = [h.make_tensor_value_info("y", T.FLOAT, ["n", 3])]
    return model([h.make_node("MatMul", ["x", "w"], ["y"])], inputs, outputs, [weights])


def tar_gz(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return out.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return out.getvalue()


def assert_answers(client, name):
    np.testing.assert_allclose(client.infer(name, {"x": ROWS})["y"], ROWS @ WEIGHTS)


def test_a_waiting_upload_answers_with_the_registered_version(client):
    body = linear()
    answer = client.call(
        "POST",
        "/upload?wait=25",
        files={"file": ("Linear Net.onnx", body)},
        data={"version": "7", "label": "first", "labels": "a,b,c"},
    )
    assert answer.status_code == 201, answer.text
    record = answer.json()
    assert (record["model_name"], record["name"], record["version"], record["state"]) == (
        "linear-net",
        "linear-net",
        7,
        "ready",
    )
    assert (record["compressed"], record["pruned"], record["config"]) == (None, False, {})
    assert (record["size"], record["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert re.search(rf"/artifacts/[a-z0-9-]+/sha256/{record['sha256']}$", record["path"])
    assert record["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 4], "onnx_type": "tensor(float)"}]
    assert record["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 3], "onnx_type": "tensor(float)"}]
    assert (record["framework"], record["opset"], record["parameter_count"]) == ("onnx", {"ai.onnx": 17}, 12)
    assert (record["label"], record["labels"]) == ("first", ["a", "b", "c"])
    measured = record["measurements"]
    assert min(measured["load_ms"], measured["memory_bytes"], measured["p50_ms"], measured["p99_ms"]) > 0
    assert measured["p99_ms"] >= measured["p50_ms"]
    assert record["timestamp"].endswith("Z")
    listed = client.call("GET", "/api/v1/models/linear-net/versions").json()["versions"]
    assert [one["version"] for one in listed] == [7]


def test_the_number_is_reserved_when_the_upload_is_accepted_and_taken_for_good(client):
    for expected in (1, 2):
        answer = client.call("POST", "/upload", files={"model": linear()}, data={"name": "counted"})
        assert (answer.status_code, answer.json()["version"]) == (202, expected)
    taken = client.call("POST", "/upload", files={"model": linear()}, data={"name": "counted", "version": "2"})
    assert (taken.status_code, taken.json()["code"]) == (409, "version_taken")


def test_a_job_tells_its_steps_and_their_times(client):
    job = client.import_model("stepped", linear())
    assert [one["step"] for one in job["steps"]] == ["identify", "verify", "register"]
    times = [one["started_at"] for one in job["steps"]]
    assert times == sorted(times)
    assert times[-1] <= job["finished_at"]
    assert job["job_id"] in [one["job_id"] for one in client.call("GET", "/api/v1/jobs").json()["jobs"]]


def test_a_sample_is_kept_and_verified_against_the_model(client):
    sample = io.BytesIO()
    np.savez(sample, x=ROWS)
    job = client.import_model("sampled", linear(), data=("rows.npz", sample.getvalue()))
    assert job["state"] == "succeeded", job["error"]
    assert client.call("GET", "/api/v1/models/sampled/versions/1").json()["sample"]["path"] == "rows.npz"


def test_a_sample_that_does_not_fit_is_refused_by_name(client):
    job = client.import_model("missampled", linear(), data=("rows.json", json.dumps({"inputs": {"wrong": [1]}})))
    assert (job["state"], job["step"], job["error"]["code"]) == ("failed", "verify", "invalid_sample")
    assert "wrong" in job["error"]["message"]


@pytest.mark.parametrize(("filename", "pack"), [("m.tar.gz", tar_gz), ("m.zip", zipped)], ids=["tar.gz", "zip"])
def test_external_data_arrives_in_an_archive(client, filename, pack):
    name = f"archived-{filename[2:]}"
    job = client.import_model(name, pack(linear_with_external_data()), filename)
    assert job["state"] == "succeeded", job["error"]
    assert_answers(client, name)
    record = client.call("GET", f"/api/v1/models/{name}/versions/1").json()
    assert sorted(file["path"] for file in record["files"]) == ["model.onnx", "weights.bin"]
    assert [file["path"] for file in record["source"]["files"]] == [filename]


def test_an_upload_in_parts_can_be_resumed_and_imports(client):
    body = linear()
    announced = {
        "model": "in-parts",
        "filename": "m.onnx",
        "size": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    upload = client.call("POST", "/api/v1/uploads", json=announced).json()
    path = f"/api/v1/uploads/{upload['upload_id']}"
    early = client.call("POST", path + "/complete", json={"parts": [{"part_number": 1, "etag": "x"}]})
    assert (early.status_code, early.json()["details"]["missing_parts"]) == (409, [1])
    part = client.call("GET", path).json()["parts"][0]
    etag = client.session.put(part["url"], data=body).headers["ETag"]
    assert client.call("GET", path).json()["parts"][0]["received"] is True
    done = client.call("POST", path + "/complete", json={"parts": [{"part_number": 1, "etag": etag}]})
    assert done.status_code == 202, done.text
    assert client.await_job(done.json()["job_id"])["state"] == "succeeded"
    assert_answers(client, "in-parts")


def test_a_part_url_takes_only_the_announced_number_of_bytes_once_completed(client):
    body = linear()
    announced = {
        "model": "cut",
        "filename": "m.onnx",
        "size": len(body) + 1,
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    upload = client.call("POST", "/api/v1/uploads", json=announced).json()
    sent = client.session.put(upload["parts"][0]["url"], data=body)
    parts = [{"part_number": 1, "etag": sent.headers.get("ETag", "x")}]
    done = client.call("POST", f"/api/v1/uploads/{upload['upload_id']}/complete", json={"parts": parts})
    assert (done.status_code, done.json()["code"]) == (409, "upload_incomplete")


def test_other_bytes_than_announced_are_refused(client):
    body = linear()
    announced = {"model": "swapped", "filename": "m.onnx", "size": len(body), "sha256": "ab" * 32}
    upload = client.call("POST", "/api/v1/uploads", json=announced).json()
    etag = client.session.put(upload["parts"][0]["url"], data=body).headers["ETag"]
    client.call(
        "POST", f"/api/v1/uploads/{upload['upload_id']}/complete", json={"parts": [{"part_number": 1, "etag": etag}]}
    )
    job = client.await_job(upload["job_id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "digest_mismatch")


def test_an_aborted_upload_is_cancelled(client):
    announced = {"model": "aborted", "filename": "m.onnx", "size": 10, "sha256": "ab" * 32}
    upload = client.call("POST", "/api/v1/uploads", json=announced).json()
    assert client.call("DELETE", f"/api/v1/uploads/{upload['upload_id']}").status_code == 204
    assert client.await_job(upload["job_id"])["state"] == "cancelled"


def test_a_file_that_an_s3_client_puts_imports_itself(client, stack, s3):
    s3.put_object(Bucket=stack.uploads_bucket, Key="uploads/local/dropped/My File.onnx", Body=linear())
    client.await_model("dropped")
    assert_answers(client, "dropped")


def test_several_files_wait_for_complete(client, stack, s3):
    for name, body in linear_with_external_data("data/w.bin").items():
        s3.put_object(Bucket=stack.uploads_bucket, Key=f"uploads/local/in-folder/run1/{name}", Body=body)
    assert client.call("GET", "/api/v1/models/in-folder").status_code == 404
    s3.put_object(Bucket=stack.uploads_bucket, Key="uploads/local/in-folder/run1/_COMPLETE", Body=b"")
    client.await_model("in-folder")
    assert_answers(client, "in-folder")


def test_identical_files_share_one_artifact(client, stack, s3):
    body = linear(scale=3.5)
    for name in ("twin-a", "twin-b"):
        assert client.import_model(name, body)["state"] == "succeeded"
    digest = hashlib.sha256(body).hexdigest()
    listed = s3.list_object_versions(Bucket=stack.artifacts_bucket, Prefix=f"artifacts/local/sha256/{digest}")[
        "Versions"
    ]
    assert len(listed) == 1


def test_an_alias_chooses_the_version_that_answers(client):
    for scale in (1.0, 2.0):
        assert client.import_model("aliased", linear(scale))["state"] == "succeeded"

    def answer(version):
        return client.infer("aliased", {"x": ROWS}, version)["y"].sum() / (ROWS @ WEIGHTS).sum()

    assert answer(None) == 2.0
    moved = client.call("PUT", "/api/v1/models/aliased/aliases/canary", json={"version": 1}).json()
    assert (moved["version"], moved["revision"]) == (1, 1)
    assert answer("canary") == 1.0
    assert answer("2") == 2.0


def test_a_failed_import_keeps_its_source_and_can_be_retried(client):
    job = client.import_model("retried", b"this is not a model")
    assert job["state"] == "failed"
    again = client.call("POST", f"/api/v1/jobs/{job['job_id']}/retry")
    assert (again.status_code, again.json()["attempt"]) == (202, 2)
    assert client.await_job(job["job_id"])["error"] == job["error"]
    version = client.call("GET", "/api/v1/models/retried/versions/1").json()
    assert (version["state"], version["error"]["code"]) == ("failed", "unsupported_format")
    assert client.call("GET", "/api/v1/models/retried/versions").json()["versions"] == []


def test_a_key_opens_its_own_tenant_and_no_other(client, stack):
    acme, other = Client(stack.url, stack.key("acme")), Client(stack.url, stack.key("other"))
    job = acme.import_model("secret", linear())
    assert job["state"] == "succeeded"
    assert_answers(acme, "secret")
    for stranger in (other, client):
        assert stranger.call("GET", "/api/v1/models/secret").status_code == 404
        assert stranger.call("GET", f"/api/v1/jobs/{job['job_id']}").status_code == 404
        assert stranger.call("GET", "/v2/models/secret").status_code == 404
        assert "secret" not in stranger.call("GET", "/api/v1/models").text
    assert Client(stack.url, "aimass_wrong").call("GET", "/api/v1/models").status_code == 403
