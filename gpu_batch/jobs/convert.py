"""Converts a model to ONNX and replays inputs through both: `python -m jobs.convert`.

The child that opens the model has no network, no secret and one folder; this process has the order's URLs and opens
nothing. The environment names ORDER_URL, the presigned URL of an order (see `order`), and may name SCRATCH, a folder
that other users may pass through, and ALONE: that the container is this job's, so folders that all users share can be
closed. It exits 0 when a result was delivered, a refusal too; 1 when a transfer failed, which may be tried again; 2
when that would not help.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aimass.domain.conversion import MAX_RESULT_BYTES
from aimass.domain.errors import ConversionFailed, ImportRefused
from aimass.sandbox.convert import MODEL, OUT, ConvertedModel, check_isolation, check_sizes, convert_folder, opened
from aimass.sandbox.isolation import Isolation
from jobs.events import log
from jobs.job import Progress, childs_folder, run, strongest_isolation
from jobs.order import ConversionOrder, File, parse_conversion
from jobs.presigned import Presigned

_CHUNK = 1 << 20


def main() -> int:
    """Runs the order and returns the exit status."""
    return run("convert", parse_conversion, _delivered)


def _delivered(order: ConversionOrder, s3: Presigned, folder: Path) -> dict[str, Any]:
    result = _result(order, s3, folder)
    s3.write("the result", order.result_url, _bounded(result))
    return {"error": result.get("error", {}).get("code")}


def _result(order: ConversionOrder, s3: Presigned, folder: Path) -> dict[str, Any]:
    """`{converted, conversion}` or `{error: {code, message, details}}`."""
    try:
        isolation = strongest_isolation()
        check_isolation(order.candidate.format, isolation)
        return _converted(order, s3, folder, isolation)
    except ImportRefused as error:
        log("refused", code=error.code, notes=getattr(error, "__notes__", []))
        return _refusal(error)


def _refusal(error: ImportRefused) -> dict[str, Any]:
    return {"error": {"code": error.code, "message": error.message, "details": error.details}}


def _converted(order: ConversionOrder, s3: Presigned, folder: Path, isolation: Isolation) -> dict[str, Any]:
    progress = Progress(order.progress, s3)
    progress.tell("started")
    within = childs_folder(folder)
    _fetch([*order.files, *order.beside], s3, within / MODEL)
    sample, expected = (_fetched(file, s3, within / name) for name, file in order.given.items())
    log("downloaded", files=len(order.files), bytes=sum(file.size for file in order.files))
    model = convert_folder(within, order.candidate, sample, expected, order.limits, isolation, progress.tell)
    log("converted", seconds=round(model.seconds, 2), memory_bytes=model.memory_bytes, isolation=isolation.description)
    check_sizes(within / OUT, [*model.files, *model.beside])
    progress.tell("storing")
    files, beside = (
        [_uploaded(order.outputs, s3, within / OUT, name) for name in names]
        for names in (model.files, _placed(order, model.beside))
    )
    return {"converted": _described(model, files) | {"beside": beside}, "conversion": _conversion(model)}


def _fetch(files: Sequence[File], s3: Presigned, folder: Path) -> None:
    """Each path once: a file of the model may be named again as one beside it."""
    for file in {file.path: file for file in reversed(files)}.values():
        s3.download(file, folder / file.path)


def _fetched(file: File | None, s3: Presigned, folder: Path) -> Path | None:
    if file is None:
        return None
    s3.download(file, folder / file.path)
    return folder / file.path


def _placed(order: ConversionOrder, beside: Sequence[str]) -> list[str]:
    """What the order has a place for: one written before a deployment lacks what jobs leave since."""
    if lost := [name for name in beside if name not in order.outputs]:
        log("no place", names=lost)
    return [name for name in beside if name in order.outputs]


def _uploaded(outputs: dict[str, str], s3: Presigned, folder: Path, name: str) -> dict[str, Any]:
    if name not in outputs:
        raise ConversionFailed(f"the order has no place for {name}", file=name)
    with opened(folder, name) as (file, size):
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        file.seek(0)
        s3.upload(name, outputs[name], file, size)
    return {"path": name, "sha256": digest.hexdigest(), "size": size}


def _described(model: ConvertedModel, files: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "main": model.files[0],
        "files": files,
        "framework": model.framework,
        "labels": model.labels,
        "describes": model.describes,
        "notes": model.notes,
    }


def _conversion(model: ConvertedModel) -> dict[str, Any]:
    names = ("seconds", "memory_bytes", "tools", "scan", "isolation", "examples")
    return {"replay": asdict(model.replay), **{name: getattr(model, name) for name in names}}


def _bounded(result: dict[str, Any]) -> bytes:
    body = json.dumps(result).encode()
    if len(body) <= MAX_RESULT_BYTES:
        return body
    text = f"what the conversion tells of the model takes {len(body)} bytes; at most {MAX_RESULT_BYTES}: it has"
    error = ConversionFailed(f"{text} too many class names, columns or outputs", size=len(body), limit=MAX_RESULT_BYTES)
    return json.dumps(_refusal(error)).encode()


if __name__ == "__main__":
    sys.exit(main())
