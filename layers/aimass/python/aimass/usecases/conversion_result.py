"""What a conversion's job left, read as hostile: it was made beside a stranger's model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from aimass.domain.conversion import MAX_RESULT_BYTES, MOST_MEMORY, MOST_ROWS, MOST_SECONDS, Replay
from aimass.domain.errors import (
    ConversionFailed,
    ImportRefused,
    InternalError,
    ModelCrashed,
    NotFound,
    PayloadTooLarge,
)
from aimass.domain.ports import ConversionFiles
from aimass.domain.refusals import REFUSALS
from aimass.domain.told import check_numbers

RESULT = "result.json"
MAX_REFUSAL_BYTES = 40_000


@dataclass(frozen=True)
class LeftFile:
    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class LeftModel:
    main: str
    files: tuple[LeftFile, ...]
    framework: str = ""
    labels: tuple[str, ...] = ()
    describes: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    beside: tuple[LeftFile, ...] = ()


@dataclass(frozen=True)
class Proof:
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
    converted: LeftModel | None = None
    conversion: Proof | None = None
    error: _Refusal | None = None


def read_result(files: ConversionFiles, folder: str) -> tuple[LeftModel, Proof]:
    """Raises the ImportRefused kind that ended the conversion, InternalError for what is no result."""
    model, proof = _delivered(_read(files, folder))
    _check_kept(model.describes)
    _check_plausible(proof)
    _check_proven(proof.replay)
    return model, proof


def _read(files: ConversionFiles, folder: str) -> _Result:
    try:
        return msgspec.json.decode(files.read(f"{folder}/{RESULT}", MAX_RESULT_BYTES), type=_Result)
    except NotFound as error:
        raise InternalError("the conversion's job ended without a result") from error
    except RecursionError:
        raise _garbled() from None
    except (PayloadTooLarge, msgspec.DecodeError, UnicodeDecodeError) as error:  # a wrong type is a DecodeError too
        raise InternalError(f"the conversion's result can't be read: {error}") from error


def _delivered(result: _Result) -> tuple[LeftModel, Proof]:
    if result.error:
        raise _refused(result.error)
    if result.converted is None or result.conversion is None:
        raise InternalError("the conversion's result holds neither a model nor an error")
    return result.converted, result.conversion


def _check_kept(told: dict[str, Any]) -> None:
    """No job of ours passes on more than can be kept: what a model's process told was held to that before."""
    try:
        check_numbers(told)
    except ValueError as error:
        raise _garbled() from error


def _garbled() -> ModelCrashed:
    return ModelCrashed("the model garbled what its conversion tells")


def _check_plausible(proof: Proof) -> None:
    figures = {
        "seconds": (proof.seconds, MOST_SECONDS),
        "memory_bytes": (proof.memory_bytes, MOST_MEMORY),
        "rows": (proof.replay.rows, MOST_ROWS),
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
    _check_kept(refusal.details)
    if len(msgspec.json.encode(refusal)) > MAX_REFUSAL_BYTES:
        raise _garbled()
    return REFUSALS.get(refusal.code, ConversionFailed)(refusal.message, **_named(refusal.details))


def _named(details: dict[str, Any]) -> dict[str, Any]:
    """An error's own arguments can't be among its details."""
    return {name: value for name, value in details.items() if name not in {"self", "message"}}
