"""Finds the one model among the files in the working folder, and reads what it says of itself."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from aimass.domain.errors import InvalidModel
from aimass.formats.beside import find_beside
from aimass.formats.converter import Candidate
from aimass.formats.onnx_model import external_locations, inspect
from aimass.formats.registry import converter_of
from aimass.sandbox.tasks.candidates import ambiguous, candidates_of, only_one
from aimass.sandbox.tasks.found import Found, unpacked
from aimass.sandbox.tasks.weightless import check_weights

_LEFT_OUT = 100
_MOST_FILES, _LONGEST_LIST = 1000, 140_000
_MOST_FACTS_BYTES = 20_000


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`request["max_bytes"]` bounds what an archive may unpack to."""
    found = Found(Path.cwd())
    candidates = [] if found.models else candidates_of(found)
    if not found.models and not candidates and len(found.archives) == 1:
        found = Found(unpacked(found, request["max_bytes"]))
        candidates = [] if found.models else candidates_of(found)
    if not found.models and not candidates and not found.cut_short:
        check_weights(found)
    model = _onnx(found) if found.models else _other(found, only_one(found, candidates))
    files = [PurePosixPath(path) for path in model["files"]]
    folder = files[0].parent
    beside = _beside(found, model)
    yield {
        **model,
        "folder": str(found.folder / folder),
        "files": [path.relative_to(folder).as_posix() for path in files],
        "beside": [[name, path.relative_to(Path.cwd()).as_posix()] for name, path in beside.items()],
        "left_out": _left_out(found, model["files"], beside.values()),
    }


def _onnx(found: Found) -> dict[str, Any]:
    models = found.models
    if len(models) > 1 and found.kinds[models[0]] == "onnx":
        models = _not_external(found.folder, models)
    if len(models) > 1:
        raise ambiguous(models)
    main = PurePosixPath(models[0])
    if found.kinds[models[0]] == "ort":
        return _ort(main)
    model = inspect(found.folder / main)
    return {
        "format": "onnx",
        "files": [path.as_posix() for path in (main, *(main.parent / file for file in model.external))],
        "framework": model.framework,
        "opset": model.opset,
        "ir_version": model.ir_version,
        "parameter_count": model.parameter_count,
        "own_classes": model.own_classes,
        "environment": None,
        "stored": False,
        "facts": {},
    }


def _ort(main: PurePosixPath) -> dict[str, Any]:
    """The runtime's own format, which only the runtime reads: what the model says of itself stays unknown."""
    return {
        "format": "ort",
        "files": [main.as_posix()],
        "framework": "onnxruntime",
        "opset": {},
        "ir_version": 0,
        "parameter_count": None,
        "environment": None,
        "stored": False,
        "facts": {},
    }


def _not_external(folder: Path, models: list[str]) -> list[str]:
    """Without those that are another's external data: such a file may hold anything."""
    external = {
        os.path.normpath(Path(model).parent / location)
        for model in models
        for location in external_locations(folder / model)
    }
    return [model for model in models if model not in external]


def _other(found: Found, candidate: Candidate) -> dict[str, Any]:
    """A model of another format than ONNX; what is not known before it is converted is left open."""
    converter = converter_of(candidate.format)
    assert converter is not None
    size = len(json.dumps(candidate.files))
    if len(candidate.files) > _MOST_FILES or size > _LONGEST_LIST:
        text = f"the model is kept in {len(candidate.files)} files, {size} bytes of names; at most {_MOST_FILES} files"
        raise InvalidModel(f"{text} and {_LONGEST_LIST} bytes", count=len(candidate.files))
    facts = {key: value for key, value in candidate.facts.items() if key not in {"framework", "parameter_count"}}
    if len(json.dumps(facts)) > _MOST_FACTS_BYTES:
        raise InvalidModel(f"what the model says of itself takes more than {_MOST_FACTS_BYTES} bytes")
    return {
        "format": candidate.format,
        "files": list(candidate.files),
        "framework": candidate.facts.get("framework", ""),
        "opset": {},
        "ir_version": 0,
        "parameter_count": candidate.facts.get("parameter_count"),
        "environment": converter.environment,
        "stored": converter.environment is None,
        "facts": facts,
    }


def _beside(found: Found, model: Mapping[str, Any]) -> dict[str, Path]:
    """Files of a folder's own, such as its tokenizer, may describe it too; those of an ONNX model are weights."""
    main = found.folder / model["files"][0]
    used = set(model["files"]) if model["format"] == "onnx" else set()
    return find_beside(found.folder, main, [path for path in found.kinds if path not in used])


def _left_out(found: Found, files: Sequence[str], beside: Iterable[Path]) -> list[str]:
    """Up to 100 of the files that are no part of the model and say nothing of it."""
    used = {*files} | {path.relative_to(found.folder).as_posix() for path in beside}
    return [path for path in found.kinds if path not in used][:_LEFT_OUT]
