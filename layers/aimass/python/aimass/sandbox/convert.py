"""The state convert: a model opened by its own library, in the strongest isolation that this machine has."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from aimass.domain.conversion import (
    BESIDE,
    DATA,
    MAIN,
    MAX_BYTES,
    MOST_MEMORY,
    MOST_ROWS,
    MOST_SECONDS,
    Difference,
    Replay,
)
from aimass.domain.errors import ConversionFailed, ModelCrashed, SandboxTooWeak
from aimass.domain.told import check_numbers, check_texts
from aimass.formats.converter import Candidate
from aimass.formats.registry import converter_of
from aimass.sandbox.isolation import Isolation
from aimass.sandbox.limits import Limits
from aimass.sandbox.runner import run

TASK = "aimass.sandbox.tasks.convert"
#: Where the child finds a model's files and leaves the ONNX model, in its working folder.
MODEL, OUT = "model", "out"


@dataclass(frozen=True)
class ConvertedModel:
    """What a conversion left, as its child tells it: `files` are names in `out/` of the child's folder, `main` first,
    `beside` those of what is no part of the model.

    `examples` are a few rows that differ, as JSON values. `isolation` is how the child was shut off.
    """

    files: tuple[str, ...]
    framework: str
    labels: tuple[str, ...]
    describes: dict[str, Any]
    notes: tuple[str, ...]
    seconds: float
    memory_bytes: int
    tools: dict[str, str]
    scan: str | None
    replay: Replay
    examples: list[dict[str, Any]]
    beside: tuple[str, ...] = ()
    isolation: str = ""


def convert_folder(
    folder: Path,
    candidate: Candidate,
    sample: Path | None,
    expected: Path | None,
    limits: Limits,
    by: Isolation,
    heard: Callable[[str], None] | None = None,
) -> ConvertedModel:
    """Converts the model in `model/` of `folder`, which the child gets for its own, shut off `by` an isolation.

    `sample` and `expected` lie in `folder` too. `heard` is told of each phase. Raises the ImportRefused subclass that
    says what is wrong.
    """
    check_isolation(candidate.format, by)
    request = {
        "candidate": {"format": candidate.format, "files": candidate.files, "facts": dict(candidate.facts)},
        "sample": sample.relative_to(folder).as_posix() if sample else None,
        "expected": expected.relative_to(folder).as_posix() if expected else None,
        "seconds": limits.seconds,
    }
    return read_answer(run(TASK, request, folder=folder, limits=limits, isolation=by, heard=heard), by)


def check_isolation(kind: str, by: Isolation) -> None:
    """Raises SandboxTooWeak for a format that may hold a program, where it could reach something."""
    converter = converter_of(kind)
    if converter and kind in converter.program and not by.strong:
        title = converter.titles.get(kind, kind)
        raise SandboxTooWeak(
            f"{title} can run a program when it is opened, and this machine can't shut that off ({by.description}); "
            f"it needs Linux 6.2 or later, or root. Or {converter.remedy}",
            format=kind,
        )


def read_answer(answer: dict[str, Any], by: Isolation) -> ConvertedModel:
    """The child's answer, which a model may have written. Raises ModelCrashed for one of another form."""
    try:
        json.dumps(answer, allow_nan=False)
        check_texts(answer)
        told = msgspec.convert({**answer, "isolation": by.description}, ConvertedModel)
        check_numbers(told.describes)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:  # msgspec.ValidationError is a ValueError
        raise _garbled() from error
    plausible = (
        0 <= told.seconds <= MOST_SECONDS
        and 0 <= told.memory_bytes < MOST_MEMORY
        and 0 <= told.replay.rows <= MOST_ROWS
        and all(_finite(one) for one in told.replay.differences)
    )
    beside = tuple(name for name in BESIDE if name in told.beside)
    if told.files not in {(MAIN,), (MAIN, DATA)} or told.beside != beside or not plausible:
        raise _garbled()
    return told


def _finite(one: Difference) -> bool:
    numbers = (one.largest_absolute, one.largest_relative, one.agreement, one.absolute, one.relative)
    return all(math.isfinite(number) for number in numbers if number is not None)


def check_sizes(folder: Path, names: Sequence[str]) -> None:
    """Raises ConversionFailed for files that take more together than the import's next step has room for."""
    sizes = {}
    for name in names:
        with opened(folder, name) as (_, sizes[name]):
            pass
    if (size := sum(sizes.values())) > MAX_BYTES:
        text = f"the ONNX model's files have {size} bytes; at most {MAX_BYTES} together"
        raise ConversionFailed(text, files=list(sizes), size=size, limit=MAX_BYTES)


@contextmanager
def opened(folder: Path, name: str) -> Iterator[tuple[BinaryIO, int]]:
    """One of the files that a conversion left, and its size. Raises ConversionFailed for anything but a plain file."""
    descriptor = _descriptor(folder, name)
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
        os.close(descriptor)
        raise ConversionFailed(f"the conversion left something else than a plain file as {name}", file=name)
    with os.fdopen(descriptor, "rb") as file:
        yield file, facts.st_size


def _descriptor(folder: Path, name: str) -> int:
    """The names were a stranger's to make: no link is followed, and nothing waits for a pipe's other end."""
    try:
        out = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=out)
        finally:
            os.close(out)
    except OSError as error:
        raise ConversionFailed(f"the conversion left no file {name}", file=name) from error


def _garbled() -> ModelCrashed:
    return ModelCrashed("the model garbled the answer of the process that held it")
