"""The state after a conversion: what its job left is judged, and its ONNX model kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from aimass.domain.conversion import BESIDE, DATA, MAIN, MAX_BYTES, MAX_SAMPLE_BYTES, SAMPLE
from aimass.domain.errors import ConversionFailed, DigestMismatch, InternalError, NotFound, PayloadTooLarge
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.ports import ArtifactStore, ConversionFiles, ModelRegistry
from aimass.usecases.conversion_drift import drift, judged
from aimass.usecases.conversion_names import check_names, within_bounds
from aimass.usecases.conversion_result import LeftFile, LeftModel, read_result
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel, OrderedConversion
from aimass.usecases.job_log import JobLog, described_conversion


@dataclass(frozen=True)
class Collected:
    """Where results are read and models kept."""

    registry: ModelRegistry
    artifacts: ArtifactStore
    files: ConversionFiles


def collect_conversion(
    at: Collected, tenant: str, job_id: str, identified: IdentifiedModel, ordered: OrderedConversion
) -> ConvertedModel:
    """Stores the ONNX model of a conversion and says how it came to be.

    Raises the ImportRefused kind that ended the conversion, ConversionDrift where the answers differ and their owner
    did not accept that, InternalError where the job left nothing that can be read.
    """
    job = at.registry.get_job(tenant, job_id)
    version = at.registry.get_version(tenant, job.model, job.version)
    model, proof = read_result(at.files, ordered.folder)
    _check_beside(identified, model)
    model = within_bounds(model)
    conversion = judged(identified, model, proof, accept_drift=version.accept_drift)
    log = JobLog(at.registry, tenant, job_id, job.attempt, "convert")
    for line in described_conversion(conversion):
        log.write(line)
    if not conversion.replay.within and not version.accept_drift:
        raise drift(conversion, proof.examples)
    check_names(model)
    stored, beside = _stored(at, tenant, ordered.folder, model)
    if any(file.path == SAMPLE for file in beside):
        log.write("it came without a sample: of the rows made up, one that both models took is kept as such")
    return ConvertedModel(stored, conversion, model.labels, model.describes, beside)


def _check_beside(identified: IdentifiedModel, model: LeftModel) -> None:
    """Two files of one name could not be told apart later. Raises ConversionFailed."""
    came = {file.path for file in identified.beside}
    if twice := sorted(came & {file.path for file in model.beside}):
        raise ConversionFailed(
            f"the conversion made another {twice[0]} than the one that came with the model; leave that one out",
            file=twice[0],
        )


def _stored(at: Collected, tenant: str, folder: str, model: LeftModel) -> tuple[ModelFiles, tuple[StoredFile, ...]]:
    """The model, and what lies beside it."""
    names = [file.path for file in model.files]
    beside = [file.path for file in model.beside]
    known = [name for name in BESIDE if name in beside]
    if model.main != MAIN or names not in ([MAIN], [MAIN, DATA], [DATA, MAIN]) or beside != known:
        raise InternalError(f"the conversion left other files than it may: {[*names, *beside][:10]}")
    with TemporaryDirectory() as scratch:
        files: list[StoredFile] = []
        for file in (*model.files, *model.beside):
            room = MAX_BYTES - sum(kept.size for kept in files)
            files.append(_kept(at, tenant, folder, file, Path(scratch), _room(file, room)))
    return ModelFiles(MAIN, tuple(files[: len(names)])), tuple(files[len(names) :])


def _room(file: LeftFile, room: int) -> int:
    return min(room, MAX_SAMPLE_BYTES) if file.path == SAMPLE else room


def _kept(at: Collected, tenant: str, folder: str, announced: LeftFile, scratch: Path, room: int) -> StoredFile:
    path = scratch / announced.path
    try:
        at.files.fetch(f"{folder}/{announced.path}", path, room)
    except NotFound as error:
        raise InternalError(f"the conversion left no {announced.path}") from error
    except PayloadTooLarge as error:
        text = f"the ONNX model's files are larger than {MAX_BYTES} bytes together, or its {SAMPLE} than"
        raise ConversionFailed(f"{text} {MAX_SAMPLE_BYTES}", file=announced.path, limit=MAX_BYTES) from error
    stored = at.artifacts.put_file(tenant, announced.path, path)
    path.unlink()
    if stored.sha256 != announced.sha256:
        raise DigestMismatch(f"{announced.path} is not the file that the conversion announced; retry the job")
    return stored
