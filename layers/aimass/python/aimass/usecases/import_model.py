"""The steps of an import, each one a state: identify, convert, verify; then `register_model`. A step may run twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import gettempdir, mkdtemp

import msgspec

from aimass.domain.errors import (
    DigestMismatch,
    InvalidDescription,
    InvalidModel,
    LabelsMismatch,
    UnsafeArchive,
    UnsupportedFormat,
)
from aimass.domain.model import Job, ModelFiles, SourceFile, StoredFile, TensorSpec
from aimass.domain.ports import ArtifactIndex, ArtifactStore, ModelRegistry, UploadStore
from aimass.formats.recognise import ACCEPTED
from aimass.sandbox.identify import identify_folder
from aimass.sandbox.limits import Limits
from aimass.sandbox.verify import verify_folder
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel, VerifiedModel
from aimass.usecases.imported_description import Described, check_document, describe_import
from aimass.usecases.job_log import (
    JobLog,
    described_description,
    described_files,
    described_identified,
    described_verified,
)

# With a failure all that the steps hand on fits the 256 KB that a state may.
MAX_FILES_BYTES = 150_000
MAX_SPECS_BYTES = 60_000
MAX_HANDED_ON_BYTES = 240_000
_FOLDER = "import-"
_FEWER_FILES = "; keep the weights in one file, or send an archive"


@dataclass(frozen=True)
class Import:
    """What the steps work on."""

    registry: ModelRegistry
    artifacts: ArtifactStore
    index: ArtifactIndex


def identify(at: Import, uploads: UploadStore, tenant: str, job_id: str, limits: Limits) -> IdentifiedModel:
    """Stores the pinned upload, recognises it by content and stores the model's files. Raises ImportRefused kinds."""
    job = at.registry.get_job(tenant, job_id)
    log = JobLog(at.registry, tenant, job_id, job.attempt, "identify")
    _keep_what_came(at, tenant, job)
    with _folder() as folder:
        root = folder / "model"
        _download(uploads, job, root)
        source = _stored(at.artifacts, tenant, root, [file.path for file in job.source])
        log.write(f"stored {described_files(source)}, SHA-256 {source.sha256}")
        found = identify_folder(root, limits)
        check_document(found.beside)
        model = _stored(at.artifacts, tenant, found.folder, found.files, main=found.main)
        beside = tuple(at.artifacts.put_file(tenant, name, path) for name, path in found.beside.items())
    identified = IdentifiedModel(
        found.format, found.framework, found.opset, found.parameter_count, source, model, beside
    )
    _check_size("files", identified, len(found.files), MAX_FILES_BYTES, _FEWER_FILES)
    log.write(described_identified(identified, found.left_out))
    return identified


def _keep_what_came(at: Import, tenant: str, job: Job) -> None:
    """A job that fails or is cancelled can be run again for as long as its version is there, sample and all."""
    version = at.registry.get_version(tenant, job.model, job.version)
    if came := [one.sha256 for one in (version.sample, version.document) if one]:
        at.index.refer(tenant, job.model, job.version, came)


def _stored(
    artifacts: ArtifactStore, tenant: str, folder: Path, paths: Sequence[str], main: str | None = None
) -> ModelFiles:
    files = tuple(artifacts.put_file(tenant, path, folder / path) for path in paths)
    return ModelFiles(main or files[0].path, files)


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
    at: Import,
    tenant: str,
    job_id: str,
    model: ModelFiles,
    limits: Limits,
    prediction_seconds: float,
    *,
    beside: Sequence[StoredFile] = (),
    handed_on: object = None,
) -> VerifiedModel:
    """Loads and runs the model in the sandbox, stores its optimised graph, and describes an imported one.

    `handed_on` is what the steps before handed on, which goes on with what this one does. Raises ImportRefused kinds.
    """
    job = at.registry.get_job(tenant, job_id)
    version = at.registry.get_version(tenant, job.model, job.version)
    with _folder() as folder:
        root = folder / "model"
        for file in model.files:
            at.artifacts.fetch(tenant, file, root / file.path)
        sample = folder / "sample" / version.sample.path if version.sample else None
        if version.sample and sample:
            at.artifacts.fetch(tenant, version.sample, sample)
        found = verify_folder(root, model.main, sample, limits, prediction_seconds)
        _check_labels(version.labels, found.outputs)
        specs = found.inputs + found.outputs
        _check_size("inputs and outputs", specs, len(specs), MAX_SPECS_BYTES, "")
        optimized = None
        if found.optimized_main:
            optimized = _stored(at.artifacts, tenant, root, found.optimized, main=found.optimized_main)
        told = Described()
        if job.kind == "import":
            told = describe_import(at.artifacts, tenant, version, found, beside, folder / "beside", limits)
    verified = VerifiedModel(
        found.inputs,
        found.outputs,
        found.measurements,
        optimized,
        found.optimized_note,
        told.description,
        told.stored,
        told.assets,
        found.raw_scores,
    )
    _check_handed_on(handed_on, verified)
    log = JobLog(at.registry, tenant, job_id, job.attempt, "verify")
    for line in described_verified(verified, on_sample=sample is not None):
        log.write(line)
    if job.kind == "import":
        log.write(described_description(verified.description))
    return verified


def _check_handed_on(before: object, verified: VerifiedModel) -> None:
    size = len(msgspec.json.encode([before, verified]))
    if verified.description and size > MAX_HANDED_ON_BYTES:
        raise InvalidDescription(
            f"the model's files, inputs and description take {size} bytes to describe; at most {MAX_HANDED_ON_BYTES}:"
            " send fewer files, or shorter labels",
            size=size,
            limit=MAX_HANDED_ON_BYTES,
        )


def _safe(file: SourceFile) -> PurePosixPath:
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise UnsafeArchive(f"{file.path!r} is not a path inside the model's folder", path=file.path)
    return path


def _check_labels(labels: tuple[str, ...], outputs: tuple[TensorSpec, ...]) -> None:
    """Class names belong to the columns of a matrix of scores, where the model says how many it has."""
    columns = {spec.name: spec.shape[1] for spec in outputs if len(spec.shape) == 2 and spec.datatype.startswith("FP")}
    fits = {len(labels), -1} | ({1} if len(labels) == 2 else set())  # two names may be of the one probability
    if labels and columns and not fits & set(columns.values()):
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
