"""Finds the one model among the files in the working folder, and reads what it says of itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aimass.domain.errors import AmbiguousArchive, ImportRefused, TruncatedModel, UnsupportedFormat
from aimass.formats.archive import ARCHIVES
from aimass.formats.beside import find_beside
from aimass.formats.member import is_clutter, shown
from aimass.formats.onnx_model import external_locations, inspect
from aimass.formats.recognise import ACCEPTED, is_document, recognise, title, unsupported
from aimass.formats.unpack import unpack

_NAMED = 5
_LEFT_OUT = 100


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`request["max_bytes"]` bounds what an archive may unpack to."""
    found = _Found(Path.cwd())
    if not found.models and len(found.archives) == 1:
        found = _Found(_unpacked(found, request["max_bytes"]))
    main = _main(found)
    model = inspect(main)
    files = [main.name, *model.external]
    beside = _beside(found, main, files)
    yield {
        "format": "onnx",
        "folder": str(main.parent),
        "files": files,
        "beside": [[name, path.relative_to(Path.cwd()).as_posix()] for name, path in beside.items()],
        "left_out": _left_out(found, main, files, list(beside.values())),
        "framework": model.framework,
        "opset": model.opset,
        "ir_version": model.ir_version,
        "parameter_count": model.parameter_count,
    }


class _Found:
    """The files under a folder, by what they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kinds: dict[str, str] = {}
        self.cut_short: dict[str, TruncatedModel] = {}
        for path in sorted(file.relative_to(folder) for file in _files(folder)):
            if is_clutter(list(path.parts)):
                continue
            try:
                self.kinds[path.as_posix()] = recognise(folder / path)
            except TruncatedModel as error:
                self.cut_short[path.as_posix()] = error

    @property
    def models(self) -> list[str]:
        return [path for path, kind in self.kinds.items() if kind == "onnx"]

    @property
    def archives(self) -> list[str]:
        return [path for path, kind in self.kinds.items() if kind in ARCHIVES]


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def _unpacked(found: _Found, max_bytes: int) -> Path:
    archive = found.archives[0]
    target = found.folder / "unpacked"
    while target.exists():
        target = target.with_name(target.name + "_")
    unpack(found.folder / archive, found.kinds[archive], target, max_bytes)
    return target


def _main(found: _Found) -> Path:
    models = found.models
    if len(models) > 1:
        models = _not_external(found.folder, models)
    if not models:
        raise _no_model(found)
    if len(models) > 1:
        raise AmbiguousArchive(f"one model is expected; found {_names(models)}", models=models[:_NAMED])
    return found.folder / models[0]


def _not_external(folder: Path, models: list[str]) -> list[str]:
    """Without those that are another's external data: such a file may hold anything."""
    external = {
        os.path.normpath(Path(model).parent / location)
        for model in models
        for location in external_locations(folder / model)
    }
    return [model for model in models if model not in external]


def _no_model(found: _Found) -> ImportRefused:
    kinds = found.kinds
    if found.cut_short:
        path, error = next(iter(found.cut_short.items()))
        return error if len(kinds) == 0 else TruncatedModel(f"{shown(path)}: {error.message}", file=path)
    if len(kinds) == 1 and found.folder == Path.cwd():
        return unsupported(next(iter(kinds.values())))
    telling = [path for path, kind in kinds.items() if not is_document(kind)]
    seen = "; ".join(f"{shown(path)} is {title(kinds[path])}" for path in (telling or [*kinds])[:_NAMED]) or "no files"
    text = f"no ONNX model found among {len(kinds)} files: {seen}. Accepted: {ACCEPTED}"
    if telling:
        return UnsupportedFormat(text, format=kinds[telling[0]], accepted=ACCEPTED)
    return AmbiguousArchive(text, models=[])


def _beside(found: _Found, main: Path, files: list[str]) -> dict[str, Path]:
    used = _paths(found, main, files)
    return find_beside(found.folder, main, [path for path in found.kinds if path not in used])


def _paths(found: _Found, main: Path, files: list[str]) -> set[str]:
    return {(main.parent / file).relative_to(found.folder).as_posix() for file in files}


def _left_out(found: _Found, main: Path, files: list[str], beside: list[Path]) -> list[str]:
    """Up to 100 of the files that are no part of the model and say nothing of it."""
    used = _paths(found, main, files) | {path.relative_to(found.folder).as_posix() for path in beside}
    return [path for path in found.kinds if path not in used][:_LEFT_OUT]


def _names(paths: list[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(shown(path) for path in paths[:_NAMED]) + more
