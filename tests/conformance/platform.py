"""Backend tests over HTTP: each model is uploaded, imported by the state machine, and called over both wires."""

from __future__ import annotations

import io
import json
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tests.conformance.cases import Passed
from tests.conformance.wire import infer_binary, infer_json, value_of
from tests.e2e.client import Client

Infer = Callable[..., dict[str, tuple[Any, list[int]]]]
WIRES: Mapping[str, Infer] = {"json": infer_json, "binary": infer_binary}
PROGRESS_EVERY = 100
BUSY_SECONDS = 600


@dataclass
class Imports:
    """What became of each upload: the ended job by the test's name, who called, and which needed a sample."""

    clients: dict[str, Client] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    sampled: set[str] = field(default_factory=set)
    answered: set[tuple[str, str]] = field(default_factory=set)
    seconds: float = 0.0

    def summary(self) -> str:
        """How many tests came through on every wire."""
        whole = [name for name in self.jobs if all((name, wire) in self.answered for wire in WIRES)]
        return (
            f"backend: {len(whole)} of {len(self.jobs)}, import {self.seconds:.0f} s "
            f"({len(self.sampled)} came with a sample, for none made up runs)"
        )

    def client_of(self, name: str) -> Client:
        """The caller whose model it is. Fails unless its import succeeded."""
        job = self.jobs[name]
        assert job["state"] == "succeeded", f"import {job['state']}: {job.get('error')}"
        return self.clients[name]


#: Where a run keeps them for its last line.
IMPORTS = pytest.StashKey[Imports]()


def import_all(clients: Sequence[Client], tests: Sequence[Passed], threads: int) -> Imports:
    """Uploads them, `threads` at once, spread over the callers; prints progress."""
    found, lock, started = Imports(), threading.Lock(), time.monotonic()

    def load(at: int) -> None:
        name, client = tests[at].test.name, clients[at % len(clients)]
        job, sampled = import_one(Client(client.url), tests[at], client.headers)
        with lock:
            found.clients[name], found.jobs[name] = client, job
            found.sampled |= {name} if sampled else set()
            if len(found.jobs) % PROGRESS_EVERY == 0:
                print(f"imported {len(found.jobs)} of {len(tests)}, {time.monotonic() - started:.0f} s", flush=True)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(load, range(len(tests))))
    found.seconds = time.monotonic() - started
    return found


def import_one(client: Client, passed: Passed, headers: dict[str, str]) -> tuple[dict[str, Any], bool]:
    """The ended job, and whether the model had to come with a sample: where none that can be made up runs."""
    client.headers = headers
    job = _upload(client, model_name(passed.test.name), {"model": ("model.onnx", passed.test.model)})
    if (job.get("error") or {}).get("code") != "sample_needed":
        return job, False
    files = {"model": ("model.onnx", passed.test.model), "data": _sample(passed)}
    return _upload(client, model_name(passed.test.name), files), True


def _upload(client: Client, name: str, files: dict[str, tuple[str, bytes]]) -> dict[str, Any]:
    """The ended job: as soon as its end is known, for whoever waits in the call needs no polling."""
    answer = client.call("POST", "/upload?wait=25", files=files, data={"name": name})
    body = answer.json()
    if answer.status_code in {201, 202}:
        return client.await_job(body["job_id"], BUSY_SECONDS)
    job_id = body["details"].get("job_id")
    return client.await_job(job_id) if job_id else {"state": "refused", "error": body}


def model_name(test: str) -> str:
    """A model's name is short and lower case, and tests differ by case alone."""
    return f"{test.lower()[:50]}-{zlib.crc32(test.encode()):08x}"


def _sample(passed: Passed) -> tuple[str, bytes]:
    inputs = passed.test.data_sets[0][0]
    named = dict(zip([name for name, _ in passed.inputs], inputs, strict=True))
    if all(isinstance(one, np.ndarray) for one in inputs):
        file = io.BytesIO()
        np.savez(file, **{name: one.astype(np.str_) if one.dtype == object else one for name, one in named.items()})
        return "sample.npz", file.getvalue()
    return "sample.json", json.dumps({name: _plain(one) for name, one in named.items()}).encode()


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, list) else np.asarray(value).tolist()


def check_answers(client: Client, passed: Passed, wire: str) -> None:
    """Calls the model with the test's inputs. Raises AssertionError unless the answers are the expected ones."""
    for inputs, expected in passed.test.data_sets:
        feed = [(*one, value) for one, value in zip(passed.inputs, inputs, strict=True)]
        answer = WIRES[wire](client, model_name(passed.test.name), feed)
        assert list(answer) == [name for name, _ in passed.outputs]
        passed.test.check(expected, [value_of(kind, *answer[name]) for name, kind in passed.outputs])
