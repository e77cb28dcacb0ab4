"""The state after a conversion: what its job left is read as hostile, and judged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from aimass.domain import errors
from aimass.domain.conversion import Conversion, Difference, Replay
from aimass.domain.errors import (
    ConversionDrift,
    ConversionFailed,
    DigestMismatch,
    ImportRefused,
    InternalError,
    NotFound,
    PayloadTooLarge,
)
from aimass.domain.model import ModelFiles, StoredFile
from aimass.domain.ports import ArtifactStore, ConversionFiles, ModelRegistry
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel, OrderedConversion
from aimass.usecases.job_log import JobLog, described_conversion
from aimass.usecases.order_conversion import DATA, MAIN, RESULT

MAX_RESULT_BYTES = 1 << 20
MAX_BYTES = 4 << 30  # of all files: the import's next step fetches them again, with room for its optimised graph
MAX_NAMES_BYTES = 40_000  # of labels and columns: states carry 256 KB in all
MAX_EXAMPLES_BYTES = 4000  # of rows that differ
_MOST_DIFFERENCES, _MOST_SHOWN, _MOST_NOTES = 50, 10, 20
_MOST_TEXT = 300
_SMALLEST, _LARGEST = 1e-100, 1e100  # the table's numbers end at 1e-130 and 1e126
_MOST_SECONDS, _MOST_MEMORY, _MOST_ROWS = 86_400, 1 << 50, 1_000_000_000


@dataclass(frozen=True)
class Collected:
    """Where results are read and models kept."""

    registry: ModelRegistry
    artifacts: ArtifactStore
    files: ConversionFiles


@dataclass(frozen=True)
class _File:
    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class _Model:
    main: str
    files: tuple[_File, ...]
    framework: str = ""
    labels: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Proof:
    seconds: float
    memory_bytes: int
    replay: Replay
    tools: dict[str, str] = field(default_factory=dict)
    scan: str | None = None
    isolation: str = ""
    examples: Any = None


@dataclass(frozen=True)
class _Refusal:
    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Result:
    converted: _Model | None = None
    conversion: _Proof | None = None
    error: _Refusal | None = None


def collect_conversion(
    at: Collected, tenant: str, job_id: str, identified: IdentifiedModel, ordered: OrderedConversion
) -> ConvertedModel:
    """Stores the ONNX model of a conversion and says how it came to be.

    Raises the ImportRefused kind that ended the conversion, ConversionDrift where the answers differ and their owner
    did not accept that, InternalError where the job left nothing that can be read.
    """
    job = at.registry.get_job(tenant, job_id)
    version = at.registry.get_version(tenant, job.model, job.version)
    model, proof = _delivered(_read(at.files, ordered.folder))
    _check_plausible(proof)
    _check_proven(proof.replay)
    conversion = _conversion(identified, model, proof, accept_drift=version.accept_drift)
    log = JobLog(at.registry, tenant, job_id, job.attempt, "convert")
    for line in described_conversion(conversion):
        log.write(line)
    if not conversion.replay.within and not version.accept_drift:
        raise _drift(conversion, proof.examples)
    _check_names(model)
    return ConvertedModel(_stored(at, tenant, ordered.folder, model), conversion, model.labels, model.columns)


def _read(files: ConversionFiles, folder: str) -> _Result:
    try:
        return msgspec.json.decode(files.read(f"{folder}/{RESULT}", MAX_RESULT_BYTES), type=_Result)
    except NotFound as error:
        raise InternalError("the conversion's job ended without a result") from error
    except (PayloadTooLarge, msgspec.DecodeError) as error:  # a wrong type is a DecodeError too
        raise InternalError(f"the conversion's result can't be read: {error}") from error


def _delivered(result: _Result) -> tuple[_Model, _Proof]:
    if result.error:
        raise _refused(result.error)
    if result.converted is None or result.conversion is None:
        raise InternalError("the conversion's result holds neither a model nor an error")
    return result.converted, result.conversion


def _check_plausible(proof: _Proof) -> None:
    figures = {
        "seconds": (proof.seconds, _MOST_SECONDS),
        "memory_bytes": (proof.memory_bytes, _MOST_MEMORY),
        "rows": (proof.replay.rows, _MOST_ROWS),
    }
    for name, (value, most) in figures.items():
        if not 0 <= value <= most:  # nan is neither
            raise InternalError(f"the conversion's result can't be read: {name} is not between 0 and {most}")


def _check_proven(replay: Replay) -> None:
    if replay.rows < 1 or not replay.differences:
        raise ConversionFailed(
            f"nothing shows that the ONNX model answers as the original: {replay.rows} rows and"
            f" {len(replay.differences)} outputs were compared; send a sample that both answer",
            rows=replay.rows,
            outputs=len(replay.differences),
        )


def _refused(refusal: _Refusal) -> ImportRefused:
    named = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ImportRefused)]
    kinds: dict[str, type[ImportRefused]] = {kind.code: kind for kind in named}
    return kinds.get(refusal.code, ConversionFailed)(refusal.message, **_named(refusal.details))


def _named(details: dict[str, Any]) -> dict[str, Any]:
    """An error's own arguments can't be among its details."""
    return {name: value for name, value in details.items() if name not in {"self", "message"}}


def _conversion(identified: IdentifiedModel, model: _Model, proof: _Proof, *, accept_drift: bool) -> Conversion:
    kept = sorted(proof.replay.differences, key=lambda one: one.within)[:_MOST_DIFFERENCES]
    replay = replace(proof.replay, differences=tuple(_storable(one) for one in kept))
    return Conversion(
        format=identified.format,
        environment=str(identified.environment),
        framework=(model.framework or identified.framework)[:_MOST_TEXT],
        seconds=proof.seconds,
        memory_bytes=proof.memory_bytes,
        tools={name[:100]: version[:100] for name, version in list(proof.tools.items())[:_MOST_NOTES]},
        replay=replay,
        scan=proof.scan and proof.scan[:_MOST_TEXT],
        isolation=proof.isolation[:_MOST_TEXT],
        drift_accepted=accept_drift and not replay.within,
        notes=tuple(note[:_MOST_TEXT] for note in model.notes[:_MOST_NOTES]),
    )


def _storable(one: Difference) -> Difference:
    return replace(
        one,
        output=one.output[:_MOST_TEXT],
        datatype=one.datatype[:100],
        largest_absolute=_number(one.largest_absolute),
        largest_relative=_number(one.largest_relative),
        agreement=_number(one.agreement),
        absolute=_number(one.absolute) or 0.0,
        relative=_number(one.relative) or 0.0,
    )


def _number(value: float | None) -> float | None:
    if value is None or abs(value) < _SMALLEST:
        return value and 0.0
    return min(abs(value), _LARGEST)


def _drift(conversion: Conversion, examples: object) -> ConversionDrift:
    beyond = [one for one in conversion.replay.differences if not one.within]
    told = "; ".join(_told(one) for one in beyond[:_MOST_SHOWN])
    return ConversionDrift(
        f"the ONNX model answers otherwise than the original on {conversion.replay.rows} rows of"
        f" {conversion.replay.samples} inputs: {told}. Upload it again with accept_drift=true to take it as it is",
        differences=msgspec.to_builtins(beyond[:_MOST_SHOWN]),
        rows=conversion.replay.rows,
        samples=conversion.replay.samples,
        **({"examples": examples} if examples and len(msgspec.json.encode(examples)) < MAX_EXAMPLES_BYTES else {}),
    )


def _told(one: Difference) -> str:
    if one.largest_absolute is None:
        return f"{one.output}: {one.agreement or 0:.2%} of the rows agree"
    allowed = f"{one.absolute:.3g} and {one.relative:.3g} of the value"
    return f"{one.output} differs by up to {one.largest_absolute:.3g}, where {allowed} may be"


def _check_names(model: _Model) -> None:
    size = len(msgspec.json.encode([model.labels, model.columns]))
    if size > MAX_NAMES_BYTES:
        raise ConversionFailed(
            f"the model's {len(model.labels)} class names and {len(model.columns)} columns take {size} bytes; at most"
            f" {MAX_NAMES_BYTES}: shorten them before it is saved",
            size=size,
            limit=MAX_NAMES_BYTES,
        )


def _stored(at: Collected, tenant: str, folder: str, model: _Model) -> ModelFiles:
    names = [file.path for file in model.files]
    if model.main != MAIN or names not in ([MAIN], [MAIN, DATA], [DATA, MAIN]):
        raise InternalError(f"the conversion left other files than it may: {names[:10]}")
    with TemporaryDirectory() as scratch:
        files: list[StoredFile] = []
        for file in model.files:
            room = MAX_BYTES - sum(kept.size for kept in files)
            files.append(_kept(at, tenant, folder, file, Path(scratch), room))
    return ModelFiles(MAIN, tuple(files))


def _kept(at: Collected, tenant: str, folder: str, announced: _File, scratch: Path, room: int) -> StoredFile:
    path = scratch / announced.path
    try:
        at.files.fetch(f"{folder}/{announced.path}", path, room)
    except NotFound as error:
        raise InternalError(f"the conversion left no {announced.path}") from error
    except PayloadTooLarge as error:
        raise ConversionFailed(
            f"the ONNX model's files are larger than {MAX_BYTES} bytes together", limit=MAX_BYTES
        ) from error
    stored = at.artifacts.put_file(tenant, announced.path, path)
    path.unlink()
    if stored.sha256 != announced.sha256:
        raise DigestMismatch(f"{announced.path} is not the file that the conversion announced; retry the job")
    return stored
