"""A stack over HTTP: a model's folder goes in, the ended job, its version and its answers come out."""

from __future__ import annotations

import hashlib
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import requests

from benchmarks.imports.tensors import decoded, encoded

Json = dict[str, Any]
_POLL_SECONDS, _LONGEST = 0.05, 900.0
_HEADER = "Inference-Header-Content-Length"
_CELLS = 400_000  # in one call, which stays under the gateway's limit


class Unanswered(Exception):
    """The stack answered otherwise than a call needs."""


class Service:
    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()

    def import_model(self, model: str, file: Path, accept_drift: bool) -> tuple[Json, float]:
        """The ended job, and the seconds from the last byte's arrival until it is seen."""
        job_id = self._upload(model, file, accept_drift)
        begun = time.monotonic()
        while time.monotonic() < begun + _LONGEST:
            job = self._call("GET", f"/api/v1/jobs/{job_id}")
            if job["state"] not in ("waiting", "running"):
                return job, time.monotonic() - begun
            time.sleep(_POLL_SECONDS)
        raise Unanswered(f"the import has not ended after {_LONGEST:.0f} s")

    def version(self, model: str) -> Json:
        return self._call("GET", f"/api/v1/models/{model}/versions/1")

    def predict(self, model: str, rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The version's outputs for all rows, sent in as many calls as the gateway's limit asks for."""
        parts = [self._infer(model, part) for part in _parts(rows)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _infer(self, model: str, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        body, head = encoded(feed)
        answer = self._session.post(
            f"{self._url}/v2/models/{model}/infer",
            data=body,
            headers={_HEADER: str(head), "content-type": "application/octet-stream"},
            timeout=120,
        )
        if not answer.ok:
            raise Unanswered(f"a prediction of {model}: {answer.status_code} {answer.text[:300]}")
        return decoded(answer.content, int(answer.headers[_HEADER]))

    def _upload(self, model: str, file: Path, accept_drift: bool) -> str:
        with file.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        announced = {"model": model, "filename": file.name, "size": file.stat().st_size, "sha256": sha256}
        upload = self._call("POST", "/api/v1/uploads", announced | {"accept_drift": accept_drift})
        parts = [self._put(file, upload["part_size"], part) for part in upload["parts"]]
        done = self._call("POST", f"/api/v1/uploads/{upload['upload_id']}/complete", {"parts": parts})
        return str(done["job_id"])

    def _put(self, file: Path, size: int, part: Json) -> Json:
        with file.open("rb") as opened:
            opened.seek((part["part_number"] - 1) * size)
            sent = requests.put(part["url"], data=opened.read(part["size"]), timeout=300)
        sent.raise_for_status()
        return {"part_number": part["part_number"], "etag": sent.headers["ETag"]}

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        answer = self._session.request(method, self._url + path, json=body, timeout=120)
        if not answer.ok:
            raise Unanswered(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        told: Json = answer.json()
        return told


def packed(folder: Path, files: Sequence[str]) -> Path:
    """One file as it is; several as an archive beside their folder."""
    if len(files) == 1:
        return folder / files[0]
    path = folder.with_name("model.tar")
    with tarfile.open(path, "w") as archive:
        for name in files:
            archive.add(folder / name, name)
    return path


def _parts(rows: Mapping[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    count = len(next(iter(rows.values())))
    most = max(1, _CELLS // max(array[0].size for array in rows.values()))
    for first in range(0, count, most):
        yield {name: array[first : first + most] for name, array in rows.items()}
