"""What publishing a compression meets: a workspace that steps left, and stores that hold everything in memory."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
from onnx import numpy_helper

from aimass.compression.recipe import digest_of
from aimass.compression.result import write
from aimass.domain import tenants
from aimass.domain.errors import Conflict
from aimass.domain.files import ModelFiles, Packed, StoredFile
from aimass.domain.jobs import Job
from aimass.domain.model import Measurements, TensorSpec, Variant, Version
from aimass.sandbox.limits import Limits
from aimass.usecases.publish_compression import Publishing
from tests.unit.compression.folders import CLASSES, FEATURES, classifier

WORKSPACE = "compressions/t/small/1/abc"
LIMITS = Limits(seconds=60, memory_bytes=4 << 30, file_bytes=1 << 30)
MEASURED = Measurements(1.0, 1000, 0.1, 0.2, 50, "1.0")
Document = dict[str, Any]


class Workspaces:
    """The port `WorkspaceFiles` on a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def fetch(self, workspace: str, names: Iterable[str], folder: Path) -> list[str]:
        found = [name for name in names if (self.root / workspace / name).is_file()]
        for name in found:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.root / workspace / name, folder / name)
        return found

    def store(self, workspace: str, names: Iterable[str], folder: Path) -> None:
        for name in names:
            shutil.copyfile(folder / name, self.root / workspace / name)


class Artifacts:
    """The port `ArtifactStore`; packed files are stored under another digest, at half their size."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put_file(self, tenant: str, path: str, source: Path) -> StoredFile:
        body = source.read_bytes()
        return StoredFile(path, self._keep(body), len(body))

    def put_packed(self, tenant: str, path: str, source: Path) -> StoredFile:
        body = source.read_bytes()
        packed = Packed(self._keep(b"packed " + body), len(body) // 2)
        return StoredFile(path, hashlib.sha256(body).hexdigest(), len(body), packed=packed)

    def _keep(self, body: bytes) -> str:
        digest = hashlib.sha256(body).hexdigest()
        self.kept[digest] = body
        return digest


class Index:
    """The port `ArtifactIndex`, as far as it is written to."""

    def __init__(self) -> None:
        self.referred: set[str] = set()
        self.touched: set[str] = set()

    def refer(self, tenant: str, model: str, version: int, digests: Iterable[str]) -> None:
        self.referred |= set(digests)

    def touch(self, tenant: str, sha256: str) -> None:
        self.touched.add(sha256)


class Registry:
    """The port `ModelRegistry` with one version and one job. `in_the_way` happens once before the transaction."""

    def __init__(self, index: Index, version: Version, job: Job) -> None:
        self.index, self.version, self.job = index, version, job
        self.lines: list[str] = []
        self.in_the_way: list[Any] = []

    def get_job(self, tenant: str, job_id: str) -> Job:
        return self.job

    def get_version(self, tenant: str, model: str, number: int) -> Version:
        return self.version

    def enter_step(self, tenant: str, job_id: str, attempt: int, step: str) -> None:
        self.job = replace(self.job, step=step)

    def log(self, tenant: str, job_id: str, attempt: int, step: str, message: str, **more: Any) -> None:
        self.lines.append(message)

    def register_compression(
        self, tenant: str, before: Version, after: Version, job: Job, limits: tenants.Limits
    ) -> None:
        if self.in_the_way:
            self.in_the_way.pop(0)()
        if self.version != before or (self.job.state, self.job.attempt) != ("running", job.attempt):
            raise Conflict("changed meanwhile")
        assert after.digests <= self.index.referred, "a version without its artifacts can be swept"
        self.version, self.job = after, replace(job, state="succeeded")


class Tenants:
    """The port `TenantLimits`: all may have as much."""

    def limits_of(self, tenant: str) -> tenants.Limits:
        return tenants.Limits(bytes=10**12, models=100, jobs=50)


class Place:
    """A compression that was chosen; `publishing` is what its last step works on."""

    def __init__(self, root: Path) -> None:
        self.folder = root / WORKSPACE
        self.own = self.folder / "jobs/job"
        self.own.mkdir(parents=True)
        self.index, self.artifacts = Index(), Artifacts()
        job = Job("job", "compression", "small", 1, "small.onnx", "running", "2026-01-01T00:00:00.000Z", step="choose")
        self.registry = Registry(self.index, version(), job)
        self.publishing = Publishing(
            self.registry, self.artifacts, self.index, Workspaces(root), Tenants(), LIMITS, 5.0, seconds=600.0
        )

    def left(self, found: Document, models: dict[str, bytes]) -> None:
        """What the steps left; `models` are those of candidates, in the place of a small one of their own."""
        for name, one in found["candidates"].items():
            folder = self.folder / "candidates" / name
            folder.mkdir(parents=True, exist_ok=True)
            made = one["compressed"]
            if made and not made["refused"]:
                (folder / "model.onnx").write_bytes(models.get(name) or model_of(name))
                made["sha256"] = digest_of(folder / "model.onnx")
            for about, record in one.items():
                if record is not None:
                    write(folder / f"{about}.json", {"key": "k", **record})
        for name in ("asked", "planned", "chosen"):
            write(self.own / f"{name}.json", {"key": "k", **found[name]})


def version(*variants: Variant) -> Version:
    files = ModelFiles("small.onnx", (StoredFile("small.onnx", "ab" * 32, 20_000),))
    original = Variant("original", None, False, {}, files, None, MEASURED)
    return Version(
        "small",
        1,
        "ready",
        "import",
        "2026-01-01T00:00:00.000Z",
        "small.onnx",
        inputs=(TensorSpec("x", "FP32", (-1, FEATURES), "tensor(float)"),),
        outputs=(TensorSpec("scores", "FP32", (-1, CLASSES), "tensor(float)"),),
        variants=(original, *variants),
        compressing="job",
    )


def model_of(name: str, output: str = "scores") -> bytes:
    """A model that answers, and has other bytes for each name."""
    model = classifier(8)
    weights = numpy_helper.to_array(model.graph.initializer[1]) * (1 + len(name) / 10)
    model.graph.initializer[1].CopyFrom(numpy_helper.from_array(weights, "w2"))
    model.graph.output[0].name = model.graph.node[-1].output[0] = output
    model.doc_string = name
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
