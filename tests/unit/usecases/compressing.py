"""A compression's way through its steps: stores on folders, a registry in memory, the real sandbox."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from aimass.domain.compression import Candidate, CompressionCall
from aimass.domain.errors import Conflict
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.jobs import Job, SourceFile
from aimass.domain.model import Measurements, TensorSpec, Variant, Version
from aimass.sandbox.limits import Limits
from aimass.usecases.compression_steps import Running, Steps, choose, compress, evaluate, plan, repair
from aimass.usecases.prepare_compression import Preparation, prepare
from tests.unit.compression.folders import CLASSES, FEATURES, classifier

LIMITS = Limits(seconds=300, memory_bytes=4 << 30, file_bytes=1 << 30)
MEASURED = Measurements(1.0, 1000, 0.1, 0.2, 50, "1.0")
FITTING = CompressionCall(objective="size", budget={"accuracy_drop": 0.02}, methods=("weights",), examples="job")
ALL = 1 << 40
WIDE = 4096  # what passes think worth it


class Workspaces:
    """The port `WorkspaceFiles` on a folder. `fetched` and `stored` are names, in their order."""

    def __init__(self, root: Path) -> None:
        self.root, self.fetched, self.stored = root, list[str](), list[str]()
        self.renewed = list[str]()

    def names(self, workspace: str) -> list[str]:
        root = self.root / workspace
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())

    def fetch(self, workspace: str, names: Iterable[str], folder: Path) -> list[str]:
        found = [name for name in names if (self.root / workspace / name).is_file()]
        for name in found:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.root / workspace / name, folder / name)
        self.fetched += found
        return found

    def store(self, workspace: str, names: Iterable[str], folder: Path) -> None:
        for name in names:
            (self.root / workspace / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, self.root / workspace / name)
            self.stored.append(name)

    def renew(self, workspace: str) -> None:
        self.renewed.append(workspace)


class Examples:
    """The port `ExampleFiles`: a folder's files, whatever folder is named."""

    def __init__(self, root: Path) -> None:
        self.root, self.downloaded = root, 0

    def list_folder(self, tenant: str, folder: str, most: int) -> list[SourceFile]:
        found = [path for path in sorted(self.root.rglob("*")) if path.is_file()]
        names = [path.relative_to(self.root).as_posix() for path in found]
        return [SourceFile(name, name, "1", path.stat().st_size) for name, path in zip(names, found, strict=True)][
            :most
        ]

    def download(self, file: SourceFile, target: Path) -> None:
        self.downloaded += 1
        shutil.copyfile(self.root / file.key, target)


class Artifacts:
    """The port `ArtifactReader` on what was kept."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def keep(self, path: str, body: bytes) -> StoredFile:
        digest = hashlib.sha256(body).hexdigest()
        self.kept[digest] = body
        return StoredFile(path, digest, len(body))

    def fetch(self, tenant: str, file: StoredFile, target: Path) -> None:
        target.write_bytes(self.kept[file.sha256])


class Registry:
    """The port `ModelRegistry` with one version and one job, of which it holds the steps, lines and candidates."""

    def __init__(self, version: Version, job: Job) -> None:
        self.version, self.job = version, job
        self.steps, self.lines, self.candidates = list[str](), list[str](), dict[str, Candidate]()

    def get_job(self, tenant: str, job_id: str) -> Job:
        return self.job

    def get_version(self, tenant: str, model: str, number: int) -> Version:
        return self.version

    def enter_step(self, tenant: str, job_id: str, attempt: int, step: str) -> None:
        self.steps.append(step)

    def plan_candidates(self, tenant: str, job_id: str, attempt: int, names: Sequence[str]) -> None:
        self.candidates = {name: Candidate("waiting") for name in names}

    def note_candidate(self, tenant: str, job_id: str, attempt: int, name: str, candidate: Candidate) -> None:
        if attempt != self.job.attempt:
            raise Conflict("the job is at another attempt")
        self.candidates[name] = candidate

    def log(self, tenant: str, job_id: str, attempt: int, step: str, message: str) -> None:
        self.lines.append(f"{step}: {message}")


def summed(inputs: Sequence[TensorSpec]) -> bytes:
    """A model of these inputs: the sum of each row's values, thrice, as `scores`."""
    element = {"tensor(float)": onnx.TensorProto.FLOAT, "tensor(int64)": onnx.TensorProto.INT64}
    given = [
        onnx.helper.make_tensor_value_info(one.name, element[one.onnx_type], ["N", *one.shape[1:]]) for one in inputs
    ]
    nodes, names = [], []
    for at, one in enumerate(inputs):
        nodes += [
            onnx.helper.make_node("Cast", [one.name], [f"float{at}"], to=onnx.TensorProto.FLOAT),
            onnx.helper.make_node("Flatten", [f"float{at}"], [f"flat{at}"], axis=1),
            onnx.helper.make_node("ReduceSum", [f"flat{at}", "one"], [f"sum{at}"], keepdims=1),
        ]
        names.append(f"sum{at}")
    nodes += [
        onnx.helper.make_node("Sum", names, ["all"]),
        onnx.helper.make_node("MatMul", ["all", "thrice"], ["scores"]),
    ]
    weights = {"one": np.array([1], np.int64), "thrice": np.array([[1, -1, 0.5]], np.float32)}
    scores = onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["N", 3])
    kept = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = onnx.helper.make_graph(nodes, "summed", given, [scores], kept)
    opset = [onnx.helper.make_opsetid("", 17)]
    return bytes(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString())


class House:
    """A version of a small classifier, or of `model`, and a job that compresses it."""

    def __init__(self, root: Path, model: bytes | None = None, **version: Any) -> None:
        self.artifacts, self.workspaces = Artifacts(), Workspaces(root / "workspaces")
        self.data = root / "data"
        self.data.mkdir(parents=True)
        self.examples = Examples(self.data)
        body = model or (summed(version["inputs"]) if "inputs" in version else classifier(WIDE).SerializeToString())
        given = {"model.onnx": body, **version.pop("beside", {})}
        files = tuple(self.artifacts.keep(path, content) for path, content in given.items())
        original = Variant("original", None, False, {}, ModelFiles("model.onnx", files), None, MEASURED)
        about: dict[str, Any] = {
            "inputs": (TensorSpec("x", "FP32", (-1, FEATURES), "tensor(float)"),),
            "outputs": (TensorSpec("scores", "FP32", (-1, CLASSES), "tensor(float)"),),
            "raw_scores": ("scores",),
        }
        made = Version("small", 1, "ready", "i", "now", "m.onnx", variants=(original,), **{**about, **version})
        job = Job("job", "compression", "small", 1, "", "running", "now", compression=FITTING)
        self.registry = Registry(made, job)

    def ask(self, call: CompressionCall, attempt: int = 1) -> None:
        self.registry.job = replace(self.registry.job, compression=call, attempt=attempt)

    @property
    def steps(self) -> Steps:
        return Steps(self.registry, self.workspaces, LIMITS)  # type: ignore[arg-type]

    def prepare(self, limits: Limits = LIMITS) -> Running:
        at = Preparation(self.registry, self.artifacts, self.examples, self.workspaces, limits)  # type: ignore[arg-type]
        return Running("t", "job", self.registry.job.attempt, prepare(at, "t", "job").workspace)

    def run(self) -> tuple[str, ...]:
        """All steps, as the state machine has them. What becomes a variant."""
        of = self.prepare()
        planned = plan(self.steps, of, ALL)
        for name in planned.names:
            compress(self.steps, of, name)
            evaluate(self.steps, of, name)
        for place in planned.repairs:
            repair(self.steps, of, planned.names, place)
        return choose(self.steps, of, planned.names).publish

    def files(self) -> dict[str, bytes]:
        """All that lies in workspaces."""
        root = self.workspaces.root
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def rows(count: int = 1_200, seed: int = 1) -> tuple[Any, Any]:
    """Inputs of the classifier, and labels that are what it answers, but for each tenth."""
    inputs = np.random.default_rng(seed).standard_normal((count, FEATURES)).astype(np.float32)
    weights = [numpy_helper.to_array(tensor) for tensor in classifier(WIDE).graph.initializer]
    labels = (np.maximum(inputs @ weights[0], 0) @ weights[1]).argmax(axis=1)
    labels[::10] = 0
    return inputs, labels.astype(np.int64)


def leave_npz(house: House, count: int = 1_200) -> None:
    inputs, labels = rows(count)
    np.savez(house.data / "rows.npz", x=inputs, labels=labels)


def with_data_beside(path: Path) -> dict[str, bytes]:
    """The classifier with its weights in another file."""
    onnx.save_model(
        classifier(WIDE), path / "m.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    return {"model.onnx": (path / "m.onnx").read_bytes(), "weights.bin": (path / "weights.bin").read_bytes()}
