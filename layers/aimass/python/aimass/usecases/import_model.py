"""The steps of an import, each one a state: identify, convert, verify, register. A step may safely run twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import gettempdir, mkdtemp

import msgspec

from aimass.domain.clock import now
from aimass.domain.errors import DigestMismatch, InvalidModel, LabelsMismatch, UnsafeArchive, UnsupportedFormat
from aimass.domain.model import Failure, Job, Measurements, ModelFiles, SourceFile, TensorSpec, Variant, Version
from aimass.domain.ports import ArtifactStore, ModelRegistry, UploadStore
from aimass.formats.recognise import ACCEPTED
from aimass.sandbox.identify import identify_folder
from aimass.sandbox.limits import Limits
from aimass.sandbox.verify import verify_folder

# Together with a failure they fit the 256 KB that a state may hand on.
MAX_FILES_BYTES = 150_000
MAX_DESCRIPTION_BYTES = 60_000
_FOLDER = "import-"


@dataclass(frozen=True)
class IdentifiedModel:
    """What `identify` hands on."""

    format: str
    framework: str
    opset: dict[str, int]
    parameter_count: int
    source: ModelFiles
    model: ModelFiles


@dataclass(frozen=True)
class ConvertedModel:
    """What `convert` hands on: the model as ONNX, None where it was that already."""

    model: ModelFiles | None


@dataclass(frozen=True)
class VerifiedModel:
    """What `verify` hands on."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    measurements: Measurements
    optimized: ModelFiles | None
    optimized_note: str | None


def identify(
    registry: ModelRegistry, artifacts: ArtifactStore, uploads: UploadStore, tenant: str, job_id: str, limits: Limits
) -> IdentifiedModel:
    """Stores the pinned upload, recognises it by content and stores the model's files. Raises ImportRefused kinds."""
    job = registry.get_job(tenant, job_id)
    with _folder() as folder:
        _download(uploads, job, folder / "model")
        stored = tuple(artifacts.put_file(tenant, file.path, folder / "model" / file.path) for file in job.source)
        found = identify_folder(folder / "model", limits)
        files = tuple(artifacts.put_file(tenant, path, found.folder / path) for path in found.files)
    identified = IdentifiedModel(
        format=found.format,
        framework=found.framework,
        opset=found.opset,
        parameter_count=found.parameter_count,
        source=ModelFiles(stored[0].path, stored),
        model=ModelFiles(found.main, files),
    )
    _check_size("files", identified, len(files), MAX_FILES_BYTES, "; keep the weights in one file, or send an archive")
    return identified


def _download(uploads: UploadStore, job: Job, folder: Path) -> None:
    for file in job.source:
        digest = uploads.download(file, folder / _safe(file))
        if job.sha256 and digest != job.sha256:
            raise DigestMismatch(
                f"{file.path} arrived with another SHA-256 than announced; send it again",
                announced=job.sha256,
                arrived=digest,
            )


def convert(identified: IdentifiedModel) -> ConvertedModel:
    """Passes ONNX through. Raises UnsupportedFormat for what has no converter yet."""
    if identified.format != "onnx":
        raise UnsupportedFormat(
            f"{identified.format} is not converted yet; accepted: {ACCEPTED}",
            format=identified.format,
            accepted=ACCEPTED,
        )
    return ConvertedModel(None)


def verify(
    registry: ModelRegistry,
    artifacts: ArtifactStore,
    tenant: str,
    job_id: str,
    model: ModelFiles,
    limits: Limits,
    prediction_seconds: float,
) -> VerifiedModel:
    """Loads and runs the model in the sandbox and stores its optimised graph. Raises ImportRefused kinds."""
    job = registry.get_job(tenant, job_id)
    version = registry.get_version(tenant, job.model, job.version)
    with _folder() as folder:
        for file in model.files:
            artifacts.fetch(tenant, file, folder / "model" / file.path)
        sample = folder / "sample" / version.sample.path if version.sample else None
        if version.sample and sample:
            artifacts.fetch(tenant, version.sample, sample)
        root = folder / "model"
        found = verify_folder(root, model.main, sample, limits, prediction_seconds)
        _check_labels(version.labels, found.outputs)
        specs = found.inputs + found.outputs
        _check_size("inputs and outputs", specs, len(specs), MAX_DESCRIPTION_BYTES, "")
        optimized = None
        if found.optimized_main:
            files = tuple(artifacts.put_file(tenant, path, root / path) for path in found.optimized)
            optimized = ModelFiles(found.optimized_main, files)
    return VerifiedModel(found.inputs, found.outputs, found.measurements, optimized, found.optimized_note)


def register(
    registry: ModelRegistry,
    tenant: str,
    job_id: str,
    identified: IdentifiedModel,
    converted: ConvertedModel,
    verified: VerifiedModel,
) -> Version:
    """Makes the version ready: the one commit point of an import."""
    job = registry.get_job(tenant, job_id)
    reserved = registry.get_version(tenant, job.model, job.version)
    original = Variant(
        name="original",
        compressed=None,
        pruned=False,
        config={"optimized_note": verified.optimized_note} if verified.optimized_note else {},
        files=converted.model or identified.model,
        optimized=verified.optimized,
        measurements=verified.measurements,
    )
    version = replace(
        reserved,
        state="ready",
        ready_at=now(),
        source=identified.source,
        format=identified.format,
        framework=identified.framework,
        opset=identified.opset,
        parameter_count=identified.parameter_count,
        inputs=verified.inputs,
        outputs=verified.outputs,
        variants=(original,),
    )
    registry.register(tenant, version, job)
    return version


def is_registered(registry: ModelRegistry, tenant: str, job_id: str) -> bool:
    """Whether an earlier run of `register` went through and only its answer was lost."""
    return registry.get_job(tenant, job_id).state == "succeeded"


def fail_import(registry: ModelRegistry, tenant: str, job_id: str, attempt: int, failure: Failure) -> None:
    """Leaves the job's attempt, and its version, in a named failed state; one that has ended stays as it is."""
    job = registry.get_job(tenant, job_id)
    if job.state == "running" and job.attempt == attempt:
        registry.fail(tenant, job, failure)


def _safe(file: SourceFile) -> PurePosixPath:
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise UnsafeArchive(f"{file.path!r} is not a path inside the model's folder", path=file.path)
    return path


def _check_labels(labels: tuple[str, ...], outputs: tuple[TensorSpec, ...]) -> None:
    """Class names belong to the columns of a matrix of scores, where the model says how many it has."""
    columns = {spec.name: spec.shape[1] for spec in outputs if len(spec.shape) == 2 and spec.datatype.startswith("FP")}
    if labels and columns and not {len(labels), -1} & set(columns.values()):
        has = ", ".join(f"{name!r} has {count}" for name, count in columns.items())
        raise LabelsMismatch(
            f"{len(labels)} labels were given; the columns are others: {has}"[:500], labels=len(labels)
        )


def _check_size(what: str, described: object, count: int, limit: int, remedy: str) -> None:
    size = len(msgspec.json.encode(described))
    if size > limit:
        raise InvalidModel(f"{count} {what} take {size} bytes to describe; the limit is {limit}{remedy}", count=count)


@contextmanager
def _folder() -> Iterator[Path]:
    for stale in Path(gettempdir()).glob(f"{_FOLDER}*"):
        # A function that was killed has left it; its environment serves one call at a time.
        shutil.rmtree(stale, ignore_errors=True)
    folder = Path(mkdtemp(prefix=_FOLDER))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
