"""The image's jobs, as plain processes. A small HTTP server stands for S3."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import get_args

import pytest

from aimass.formats.converter import Environment
from tests.e2e.test_uploads import linear, linear_with_external_data, tar_gz

ROOT = Path(__file__).parents[2]
LOCKS = {name: (ROOT / "gpu_batch" / f"{name}.lock").read_text() for name in ("requirements", "requirements-gpu")}


class PresignedServer(ThreadingHTTPServer):
    """Objects by path; a GET or PUT without `?signature=good` is refused, as S3 refuses an expired URL."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.failures: dict[str, int] = {}

    def url(self, name, signature="good"):
        return f"http://127.0.0.1:{self.server_port}/{name}?signature={signature}"

    def file(self, path, body):
        self.objects[path] = body
        return {"path": path, "url": self.url(path), "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


class _Handler(BaseHTTPRequestHandler):
    server: PresignedServer

    def do_GET(self):
        name = self._allowed()
        if name is not None:
            self._answer(200, self.server.objects[name]) if name in self.server.objects else self._answer(404)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = self._allowed()
        if name is not None:
            self.server.objects[name] = body
            self._answer(200)

    def _allowed(self):
        name, _, query = self.path[1:].partition("?")
        if self.server.failures.get(name, 0) > 0:
            self.server.failures[name] -= 1
            return self._answer(503)
        return name if query == "signature=good" else self._answer(403)

    def _answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """The test's own output stays readable."""


@pytest.fixture
def s3():
    with PresignedServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def order_of(s3, files, **changes):
    return {
        "files": files,
        "limits": {"seconds": 60, "memory_mb": 2048, "disk_mb": 100},
        "prediction_seconds": 20,
        "result_url": s3.url("result.json"),
    } | changes


def ordered(s3, order, scratch):
    """The environment of a job, whose order lies in the server."""
    s3.objects["order.json"] = order if isinstance(order, bytes) else json.dumps(order).encode()
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}/layers/aimass/python:{ROOT}/gpu_batch",
        "SCRATCH": str(scratch),
        "ORDER_URL": s3.url("order.json"),
    }


def run_job(s3, order, scratch, module="jobs.verify", program=None):
    """The ended process, and the result that it put, if any."""
    ended = subprocess.run(
        [sys.executable, *(("-c", program) if program else ("-m", module))],
        env=ordered(s3, order, scratch),
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=120,
    )
    result = s3.objects.get("result.json")
    return ended, json.loads(result) if result else None


def test_a_model_of_two_files_is_recognised_run_and_measured(s3, tmp_path):
    files = [s3.file(path, body) for path, body in linear_with_external_data().items()]
    ended, result = run_job(s3, order_of(s3, files), tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (result["identified"]["format"], result["identified"]["main"]) == ("onnx", "model.onnx")
    assert result["identified"]["parameter_count"] == 12
    assert [(one["name"], one["shape"]) for one in result["verified"]["outputs"]] == [("y", [-1, 3])]
    assert result["verified"]["measurements"]["p50_ms"] > 0
    assert list(tmp_path.iterdir()) == []


def test_an_archive_is_unpacked_in_the_sandbox(s3, tmp_path):
    ended, result = run_job(s3, order_of(s3, [s3.file("m.tar.gz", tar_gz(linear_with_external_data()))]), tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert sorted(result["identified"]["files"]) == ["model.onnx", "weights.bin"]


def test_a_sample_is_what_the_model_is_run_on(s3, tmp_path):
    sample = s3.file("rows.json", json.dumps({"inputs": {"wrong": [1]}}).encode())
    ended, result = run_job(s3, order_of(s3, [s3.file("m.onnx", linear())], sample=sample), tmp_path)
    assert (ended.returncode, result["error"]["code"]) == (0, "invalid_sample")


@pytest.mark.parametrize(
    ("body", "code"), [(b"no model at all", "unsupported_format"), (linear()[:-20], "truncated_model")]
)
def test_a_refusal_is_a_result_that_is_delivered(s3, tmp_path, body, code):
    ended, result = run_job(s3, order_of(s3, [s3.file("m.onnx", body)]), tmp_path)
    assert (ended.returncode, result["error"]["code"]) == (0, code)


FAULTY = """
import sys
from aimass.domain.errors import InternalError
from jobs import verify

def fails(*_):
    raise InternalError("a fault of ours")

verify.identify_folder = fails
sys.exit(verify.main())
"""


def test_a_fault_of_ours_is_not_worth_another_try(s3, tmp_path):
    ended, result = run_job(s3, order_of(s3, [s3.file("m.onnx", linear())]), tmp_path, program=FAULTY)
    assert (ended.returncode, result) == (2, None), ended.stdout
    assert "a fault of ours" in ended.stdout


@pytest.mark.parametrize("change", [{"sha256": "ab" * 32}, {"size": 5}, {"size": 10**6}])
def test_other_bytes_than_announced_are_refused(s3, tmp_path, change):
    ended, result = run_job(s3, order_of(s3, [s3.file("m.onnx", linear()) | change]), tmp_path)
    assert (ended.returncode, result["error"]["code"]) == (0, "digest_mismatch")


def test_a_passing_fault_of_s3_is_ridden_out(s3, tmp_path):
    files = [s3.file("m.onnx", linear())]
    s3.failures = {"m.onnx": 2, "result.json": 1}
    ended, result = run_job(s3, order_of(s3, files), tmp_path)
    assert (ended.returncode, result["identified"]["format"]) == (0, "onnx")


@pytest.mark.parametrize("missing", ["model", "result"])
def test_an_expired_url_ends_the_job_so_that_it_is_tried_again_and_is_not_printed(s3, tmp_path, missing):
    file = s3.file("m.onnx", linear())
    changes = {"result_url": s3.url("result.json", "late")} if missing == "result" else {}
    files = [file | {"url": s3.url("m.onnx", "late")}] if missing == "model" else [file]
    ended, result = run_job(s3, order_of(s3, files, **changes), tmp_path)
    assert (ended.returncode, result) == (1, None)
    assert "answered 403" in ended.stdout
    assert "signature" not in ended.stdout + ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (b"{", "not the JSON"),
        ({"files": []}, "lacks 'limits'"),
        ({"limits": {}}, "lacks"),
        ({"path": "../m.onnx"}, "not a path inside"),
        ({"path": "/m.onnx"}, "not a path inside"),
    ],
)
def test_an_order_that_cannot_be_read_is_not_tried_again(s3, tmp_path, order, reason):
    if isinstance(order, dict) and "path" in order:
        order = order_of(s3, [s3.file("m.onnx", linear()) | order])
    ended, _ = run_job(s3, order, tmp_path)
    assert ended.returncode == 2
    assert reason in json.loads(ended.stdout.splitlines()[-1])["reason"]


def test_without_a_gpu_the_check_says_so_and_fails(s3, tmp_path):
    ended, _ = run_job(s3, {}, tmp_path, "jobs.check_gpu")
    found = json.loads(ended.stdout.splitlines()[-1])
    assert (ended.returncode, found["agrees"]) == (1, False)
    assert "CUDA" in found["reason"] or "GPU" in found["reason"]


def pins(lock):
    return dict(re.findall(r"^([\w.-]+)==(\S+)(?: ;[^\\]*>= '3\.12')? \\$", lock, re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_of_an_image_is_pinned_with_hashes_as_the_functions_have_it(name):
    layers = pins((ROOT / "layers" / "ml" / "requirements.lock").read_text())
    image = pins(LOCKS[name])
    assert LOCKS[name].count("==") <= LOCKS[name].count("--hash=sha256:")
    assert {key: image[key] for key in layers.keys() & image.keys()} == {
        key: layers[key] for key in layers.keys() & image.keys()
    }
    runtime = "onnxruntime-gpu" if name == "requirements-gpu" else "onnxruntime"
    assert image[runtime] == layers["onnxruntime"]


def test_the_cpu_image_has_all_that_the_heavy_layer_has():
    assert (
        pins((ROOT / "layers" / "ml" / "requirements.lock").read_text()).items() <= pins(LOCKS["requirements"]).items()
    )


DOCKERFILE = (ROOT / "gpu_batch" / "Dockerfile").read_text()


def test_the_image_copies_what_exists_and_ends_as_a_plain_user():
    copied = [path for line in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE) for path in line.split()]
    assert len(copied) == 8
    assert all((ROOT / path).exists() for path in copied)
    for target in ("cpu", "gpu"):
        stage = DOCKERFILE.partition(f" AS {target}\n")[2].partition("\nFROM ")[0]
        assert "\nUSER 10001\n" in stage
        assert "--require-hashes" in stage


@pytest.mark.parametrize("environment", get_args(Environment))
def test_each_environment_that_converts_has_an_image_of_its_own_lock(environment):
    stage = DOCKERFILE.partition(f"FROM convert AS convert-{environment}\n")[2].partition("\nFROM ")[0]
    assert f"requirements/convert-{environment}.lock" in stage
    assert "--require-hashes" in stage
    assert "USER" not in stage  # the parent of a conversion changes its child's user


def test_a_job_that_converts_is_alone_in_its_container_and_others_pass_through_its_folder():
    stage = DOCKERFILE.partition("FROM base AS convert\n")[2].partition("\nFROM ")[0]
    assert "ENV ALONE=1\n" in stage
    assert "--mode=0711 /scratch" in stage
    assert 'CMD ["python", "-m", "jobs.convert"]' in stage


def test_every_command_of_the_image_is_a_job_here():
    for module in re.findall(r'CMD \["python", "-m", "([\w.]+)"\]', DOCKERFILE):
        assert (ROOT / "gpu_batch" / (module.replace(".", "/") + ".py")).exists()
