"""The steps of an import that open what was uploaded: identify, and verify, of what may have been converted in between.

Each is a state, and may run twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from aimass.domain.errors import (
    AmbiguousArchive,
    ConversionFailed,
    DigestMismatch,
    InvalidDescription,
    InvalidModel,
    LabelsMismatch,
    UnsafeArchive,
    UnsupportedFormat,
)
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.jobs import Job, SourceFile
from aimass.domain.model import TensorSpec
from aimass.domain.ports import ArtifactIndex, ArtifactStore, ModelRegistry, UploadStore
from aimass.sandbox.identify import Identified, identify_folder
from aimass.sandbox.limits import Limits
from aimass.sandbox.verify import Verified, verify_folder
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel, VerifiedModel
from aimass.usecases.imported_description import Described, check_document, describe_import
from aimass.usecases.job_log import (
    JobLog,
    described_description,
    described_files,
    described_identified,
    described_verified,
)
from aimass.usecases.working_folder import working_folder

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
    with working_folder(_FOLDER) as folder:
        root = folder / "model"
        _download(uploads, job, root)
        source = _stored(at.artifacts, tenant, root, [file.path for file in job.source])
        log.write(f"stored {described_files(source)}, SHA-256 {source.sha256}")
        found = identify_folder(root, limits)
        check_document(found.beside)
        model = _stored(at.artifacts, tenant, found.folder, found.files, main=found.main)
        beside = tuple(at.artifacts.put_file(tenant, name, path) for name, path in found.beside.items())
    identified = IdentifiedModel(
        found.format,
        found.framework,
        found.opset,
        found.parameter_count,
        source,
        model,
        beside,
        found.environment,
        found.stored,
        dict(found.facts),
        found.own_classes,
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


def verify(
    at: Import,
    tenant: str,
    job_id: str,
    identified: IdentifiedModel,
    converted: ConvertedModel,
    limits: Limits,
    prediction_seconds: float,
) -> VerifiedModel:
    """Loads and runs the model in the sandbox, stores its optimised graph, and describes an imported one.

    Raises ImportRefused kinds.
    """
    job = at.registry.get_job(tenant, job_id)
    version = at.registry.get_version(tenant, job.model, job.version)
    model = converted.model or identified.model
    with working_folder(_FOLDER) as folder:
        root = folder / "model"
        given = version.sample or identified.sample or converted.sample
        sample = _fetch(at.artifacts, tenant, given, model, folder)
        examined = _examined(root, model, limits) if converted.model else None
        found = verify_folder(root, model.main, sample, limits, prediction_seconds)
        _check_labels(version.labels, found.outputs)
        specs = found.inputs + found.outputs
        _check_size("inputs and outputs", specs, len(specs), MAX_SPECS_BYTES, "")
        optimized = None
        if found.optimized_main:
            optimized = _stored(at.artifacts, tenant, root, found.optimized, main=found.optimized_main)
        told = Described()
        if job.kind == "import":
            beside = identified.beside + converted.beside
            own = (examined or identified).own_classes or converted.labels
            told = describe_import(
                at.artifacts, tenant, version, found, beside, folder / "beside", limits, converted, own
            )
    verified = _verified(found, optimized, told, examined)
    _check_handed_on([identified, converted], verified)
    log = JobLog(at.registry, tenant, job_id, job.attempt, "verify")
    _log_verified(log, job, verified, on_sample=sample is not None)
    return verified


def _examined(root: Path, model: ModelFiles, limits: Limits) -> Identified:
    """What a conversion wrote is looked at as an upload is: what wrote it had opened a stranger's file."""
    try:
        found = identify_folder(root, limits)
    except (AmbiguousArchive, UnsupportedFormat) as error:
        raise ConversionFailed(f"the conversion wrote no ONNX model: {error.message}") from error
    if (found.format, found.main) != ("onnx", model.main) or not {*found.files} <= {one.path for one in model.files}:
        raise ConversionFailed(f"the conversion wrote no ONNX model, but {found.main} as {found.format}")
    return found


def _fetch(
    artifacts: ArtifactStore, tenant: str, given: StoredFile | None, model: ModelFiles, folder: Path
) -> Path | None:
    """The model into `folder`/model; where the sample lies, if one was given."""
    for file in model.files:
        artifacts.fetch(tenant, file, folder / "model" / file.path)
    if given is None:
        return None
    sample = folder / "sample" / given.path
    artifacts.fetch(tenant, given, sample)
    return sample


def _verified(
    found: Verified, optimized: ModelFiles | None, told: Described, examined: Identified | None
) -> VerifiedModel:
    return VerifiedModel(
        found.inputs,
        found.outputs,
        found.measurements,
        optimized,
        found.optimized_note,
        told.description,
        told.stored,
        told.assets,
        told.raw_scores or found.raw_scores,
        examined.opset if examined else {},
        examined.parameter_count if examined else None,
        examined.own_classes if examined else None,
        told.notes,
    )


def _log_verified(log: JobLog, job: Job, verified: VerifiedModel, *, on_sample: bool) -> None:
    for line in described_verified(verified, on_sample=on_sample):
        log.write(line)
    if job.kind == "import":
        log.write(described_description(verified.description))
        for note in verified.notes:
            log.write(f"note: {note}")


def _check_handed_on(before: object, verified: VerifiedModel) -> None:
    size = len(msgspec.json.encode([before, verified]))
    if size > MAX_HANDED_ON_BYTES:
        refused = InvalidDescription if verified.description else InvalidModel
        raise refused(
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
