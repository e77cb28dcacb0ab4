"""This project's local stack, as `make run` starts it; its workers are as many as it takes for itself."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import requests

from benchmarks.predict.loads import BATCHING, Load
from benchmarks.predict.servers import Running, Server, Unfit, check
from benchmarks.predict.wires import OpenInference
from benchmarks.stack import OwnStack

IMPORT_SECONDS = 120.0


class OwnServer(Server):
    """Both legs share one `state`: a model is imported once, under a name of its own for each leg."""

    def __init__(self, port: int, state: Path, is_batching: bool) -> None:
        self._stack = OwnStack(state, port)
        self._is_batching = is_batching
        self.name = "AI Mass, batching" if is_batching else "AI Mass"
        self._session = requests.Session()

    def start(self, load: Load, model: Path) -> Running:
        self._stack.start()
        name = f"{load.model}-batching" if self._is_batching else load.model
        if self._call("GET", f"/api/v1/models/{name}/versions/1").status_code != 200:
            self._import(name, model)
        if self._is_batching:
            self._describe(name)
        running = Running(self._stack.pid, self._url, OpenInference(name))
        check(running, running.wire.call(load), load.expected(model))
        return running

    def stop(self) -> None:
        self._stack.stop()

    def _describe(self, name: str) -> None:
        path = f"/api/v1/models/{name}/versions/1/description"
        answer = self._call("PUT", path, json={"aimass": 1, "batching": BATCHING})
        if answer.status_code != 200:
            raise Unfit(f"batching can't be set: {answer.status_code} {answer.text[:200]}")

    def _import(self, name: str, model: Path) -> None:
        body = model.read_bytes()
        sha256 = hashlib.sha256(body).hexdigest()
        announced = {"model": name, "filename": model.name, "size": len(body), "sha256": sha256}
        upload = self._asked("POST", "/api/v1/uploads", announced)
        parts = []
        for part in upload["parts"]:
            first = (part["part_number"] - 1) * upload["part_size"]
            sent = requests.put(part["url"], data=body[first : first + part["size"]], timeout=600)
            sent.raise_for_status()
            parts.append({"part_number": part["part_number"], "etag": sent.headers["ETag"]})
        done = self._asked("POST", f"/api/v1/uploads/{upload['upload_id']}/complete", {"parts": parts})
        self._await(done["job_id"])

    def _await(self, job_id: str) -> None:
        until = time.monotonic() + IMPORT_SECONDS
        while (job := self._asked("GET", f"/api/v1/jobs/{job_id}"))["state"] != "succeeded":
            if job["state"] == "failed" or time.monotonic() > until:
                raise Unfit(f"the import ended as {job}")
            time.sleep(0.1)

    def _asked(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self._call(method, path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self._session.request(method, self._url + path, timeout=60, **options)

    @property
    def _url(self) -> str:
        assert self._stack.facts is not None
        return self._stack.facts.url
