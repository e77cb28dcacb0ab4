"""The public HTTP API as a caller uses it, with plain requests."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

IN_ONE_CALL = 4_000_000

DATATYPES = {
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "bool": "BOOL",
    "object": "BYTES",
} | {f"{sign}int{bits}": f"{sign}int{bits}".upper() for sign in ("", "u") for bits in (8, 16, 32, 64)}


class Client:
    """Calls one deployment as one tenant."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url
        self.session = requests.Session()
        # Of calls alone: S3 refuses a presigned URL that comes with an Authorization header.
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = self.headers | options.pop("headers", {})
        return self.session.request(method, self.url + path, timeout=120, headers=headers, **options)

    def import_model(self, name: str, body: bytes, filename: str = "model.onnx", **fields: Any) -> dict[str, Any]:
        """Uploads by the way that fits the size, waits, and returns the ended job."""
        if len(body) > IN_ONE_CALL:
            return self.await_job(self.upload_in_parts(name, body, filename))
        files = {"model": (filename, body)} | ({"data": fields.pop("data")} if "data" in fields else {})
        accepted = self.call("POST", "/upload", files=files, data={"name": name} | fields)
        assert accepted.status_code == 202, accepted.text
        return self.await_job(accepted.json()["job_id"])

    def upload_in_parts(self, name: str, body: bytes, filename: str = "model.onnx") -> str:
        announced = {"model": name, "filename": filename, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        started = self.call("POST", "/api/v1/uploads", json=announced)
        assert started.status_code == 201, started.text
        upload = started.json()
        parts = []
        for part in upload["parts"]:
            start = (part["part_number"] - 1) * upload["part_size"]
            sent = requests.put(part["url"], data=body[start : start + part["size"]], timeout=120)
            assert sent.status_code == 200, sent.text
            parts.append({"part_number": part["part_number"], "etag": sent.headers["ETag"]})
        completed = self.call("POST", f"/api/v1/uploads/{upload['upload_id']}/complete", json={"parts": parts})
        assert completed.status_code == 202, completed.text
        return completed.json()["job_id"]

    def await_job(self, job_id: str, seconds: float = 300) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = self.call("GET", f"/api/v1/jobs/{job_id}").json()
            if job["state"] not in {"waiting", "running"}:
                return job
            time.sleep(0.1)
        raise AssertionError(f"job {job_id} did not end in {seconds} s: {job}")

    def await_model(self, name: str, seconds: float = 60) -> None:
        """Until the model has a ready version: for files that arrive without a job's id."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self.call("GET", f"/api/v1/models/{name}")
            if answer.status_code == 200 and answer.json()["latest"]:
                return
            time.sleep(0.1)
        raise AssertionError(f"{name} has no ready version: {self.call('GET', '/api/v1/jobs').text[:2000]}")

    def infer(self, model: str, feed: dict[str, np.ndarray], version: str | None = None) -> dict[str, np.ndarray]:
        """Open Inference Protocol, JSON both ways."""
        inputs = [
            {
                "name": name,
                "shape": list(array.shape),
                "datatype": DATATYPES[str(array.dtype)],
                "data": array.ravel().tolist(),
            }
            for name, array in feed.items()
        ]
        path = f"/v2/models/{model}" + (f"/versions/{version}" if version else "") + "/infer"
        answer = self.call("POST", path, json={"inputs": inputs})
        assert answer.status_code == 200, answer.text
        return {one["name"]: array_of(one) for one in answer.json()["outputs"]}


def array_of(tensor: dict[str, Any]) -> np.ndarray:
    kinds = {datatype: kind for kind, datatype in DATATYPES.items()}
    return np.array(tensor["data"], dtype=kinds[tensor["datatype"]]).reshape(tensor["shape"])


def expected(path: Path | bytes, feed: dict[str, np.ndarray]) -> dict[str, Any]:
    """What raw onnxruntime answers."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feed), strict=True))


def assert_same(name: str, wanted: Any, got: np.ndarray) -> None:
    """1e-5 relative, strings and integers exactly; structured outputs as their JSON text."""
    if isinstance(wanted, list):
        plain = json.loads(json.dumps(wanted, default=lambda value: value.tolist()))
        for text, one in zip(got, plain, strict=True):
            assert_json(name, one, json.loads(text))
        return
    wanted = np.asarray(wanted)
    assert got.shape == wanted.shape, name
    if wanted.dtype.kind == "f":
        scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=0)
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6 * scale, err_msg=name)
    else:
        assert got.dtype == wanted.dtype or wanted.dtype.kind in "OU", name
        assert (got == wanted).all(), name


def assert_json(name: str, wanted: Any, got: Any) -> None:
    if isinstance(wanted, dict):
        assert got == pytest.approx(wanted, rel=1e-5), name
    else:
        np.testing.assert_allclose(got, wanted, rtol=1e-5, err_msg=name)
