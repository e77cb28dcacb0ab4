"""What a job is asked to do: a JSON document behind the presigned URL in ORDER_URL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from aimass.formats.converter import Candidate
from aimass.sandbox.limits import MIB, Limits

_NEEDED = ("model.onnx", "asked.json", "prepared.json", "planned.json")
_CANDIDATE = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class OrderInvalid(ValueError):
    """The order can't be read; the message names the field."""


@dataclass(frozen=True)
class File:
    """One file to fetch. `url` is presigned; `size` is in bytes, `sha256` in hexadecimal."""

    path: str
    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Order:
    """A model's files and limits, and `result_url`, presigned for the PUT of one JSON document."""

    files: tuple[File, ...]
    sample: File | None
    limits: Limits
    prediction_seconds: float
    result_url: str


@dataclass(frozen=True)
class ConversionOrder:
    """A model to convert. `candidate` names its files, the first the main one; `beside` lie next to that.

    `given` are the sample and the outputs expected of it, under these names. `outputs` are URLs presigned for the PUT
    of the ONNX model's files, by their names, `progress` that of an empty object for each phase, and `result_url` that
    of one JSON document.
    """

    candidate: Candidate
    files: tuple[File, ...]
    beside: tuple[File, ...]
    given: dict[str, File | None]
    limits: Limits
    outputs: dict[str, str]
    progress: dict[str, str]
    result_url: str


@dataclass(frozen=True)
class CompressionOrder:
    """A large model to compress by the candidates of these names, in a folder as `compression.steps` knows it.

    By names within that folder: `files` are URLs of what lies there, `kept` of what an attempt before may have left,
    and `outputs` are presigned for the PUT of the same. `progress` are those of empty objects, by what they tell. The
    time of `limits` is the job's, memory and disk are each step's. `attempt` is as `sandbox.compress` has it.
    `failed_url` is presigned for the PUT of `{code, message}`, should the job give up; an order written before a
    deployment lacks it.
    """

    attempt: str
    names: tuple[str, ...]
    files: dict[str, str]
    kept: dict[str, str]
    outputs: dict[str, str]
    progress: dict[str, str]
    limits: Limits
    failed_url: str | None = None


def parse_order(body: bytes) -> Order:
    """Reads `{files: [{path, url, size, sha256}], sample?, limits: {seconds, memory_mb, disk_mb}, prediction_seconds,
    result_url}`. Raises OrderInvalid.
    """
    with _readable():
        document = json.loads(body)
        limits = _limits(document)
        return Order(
            files=_files(document),
            sample=_given(document, "sample"),
            limits=limits,
            prediction_seconds=float(document["prediction_seconds"]),
            result_url=str(document["result_url"]),
        )


def parse_conversion(body: bytes) -> ConversionOrder:
    """Reads `{conversion: {format, facts}, files, beside, sample?, expected?, limits, outputs: [{name, url}],
    progress: [{name, url}], result_url}`, each file and the limits as in `parse_order`. Raises OrderInvalid.
    """
    with _readable():
        document = json.loads(body)
        files, wanted = _files(document), document["conversion"]
        return ConversionOrder(
            candidate=Candidate(str(wanted["format"]), tuple(one.path for one in files), dict(wanted["facts"])),
            files=files,
            beside=tuple(_file(one) for one in document["beside"]),
            given={name: _given(document, name) for name in ("sample", "expected")},
            limits=_conversion_limits(_limits(document)),
            outputs=_places(document["outputs"]),
            progress=_places(document.get("progress", [])),  # an order written before a deployment has none
            result_url=str(document["result_url"]),
        )


def parse_compression(body: bytes) -> CompressionOrder:
    """Reads `{attempt, names, files, kept, outputs, progress: {name: url}, limits, failed_url?}`.

    Raises OrderInvalid.
    """
    with _readable():
        document = json.loads(body)
        places = {name: _urls(document[name]) for name in ("files", "kept", "outputs")}
        if missing := [name for name in _NEEDED if name not in places["files"]]:
            raise OrderInvalid(f"the order names no {missing[0]!r}")
        return CompressionOrder(
            attempt=str(document["attempt"]),
            names=tuple(_candidate(one) for one in document["names"]),
            progress={str(slug): str(url) for slug, url in document["progress"].items()},
            limits=_conversion_limits(_limits(document)),
            failed_url=str(document["failed_url"]) if document.get("failed_url") else None,
            **places,
        )


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except OrderInvalid:
        raise
    except KeyError as error:
        raise OrderInvalid(f"the order lacks {error.args[0]!r}") from None
    except (TypeError, ValueError, AttributeError):
        raise OrderInvalid("the order is not the JSON that it should be") from None


def _files(document: dict[str, Any]) -> tuple[File, ...]:
    files = tuple(_file(one) for one in document["files"])
    if not files:
        raise OrderInvalid("the order names no files")
    return files


def _given(document: dict[str, Any], name: str) -> File | None:
    return _file(document[name]) if document.get(name) else None


def _places(listed: list[dict[str, Any]]) -> dict[str, str]:
    return {str(one["name"]): str(one["url"]) for one in listed}


def _urls(listed: dict[str, Any]) -> dict[str, str]:
    """URLs by paths within the folder."""
    return {_inside(name): str(url) for name, url in listed.items()}


def _candidate(name: Any) -> str:
    if not (isinstance(name, str) and _CANDIDATE.fullmatch(name)):
        raise OrderInvalid(f"{str(name)[:200]!r} is no candidate's name")
    return name


def _limits(document: dict[str, Any]) -> Limits:
    limits = document["limits"]
    return Limits(
        seconds=float(limits["seconds"]),
        memory_bytes=int(limits["memory_mb"]) * MIB,
        file_bytes=int(limits["disk_mb"]) * MIB,
    )


def _conversion_limits(limits: Limits) -> Limits:
    """All of the child's files together may take what one may: the model itself lies among them."""
    return replace(limits, folder_bytes=limits.file_bytes)


def _file(document: dict[str, Any]) -> File:
    path = _inside(document["path"])
    return File(path, str(document["url"]), int(document["size"]), str(document["sha256"]))


def _inside(written: Any) -> str:
    path = PurePosixPath(str(written))
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise OrderInvalid(f"{str(path)[:200]!r} is not a path inside the model's folder")
    return str(path)
