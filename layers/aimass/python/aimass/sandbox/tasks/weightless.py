"""Uploads that lack the very weights: what stands for a model is there, and what it stands for is not."""

from __future__ import annotations

from pathlib import PurePosixPath

from aimass.domain.errors import ExternalDataMissing
from aimass.formats import json_object
from aimass.formats.member import shown
from aimass.sandbox.tasks.found import Found

_POINTER, _NAMED = "git-lfs", 5
_MOST_READ = 16  # configurations, of up to 4 MiB each
_WEIGHTS = "model.safetensors (or its parts and model.safetensors.index.json, or pytorch_model.bin)"


def check_weights(found: Found) -> None:
    """Raises ExternalDataMissing for files among which no model was found because its weights did not come along."""
    pointers = [path for path, kind in found.kinds.items() if kind == _POINTER]
    if pointers and len(found.kinds) > 1:
        names = [shown(path) for path in pointers[:_NAMED]]
        more = f" and {len(pointers) - _NAMED} more" if len(pointers) > _NAMED else ""
        text = f"{', '.join(names)}{more}: a Git LFS pointer, not the file that it points to"
        raise ExternalDataMissing(f"{text}: run `git lfs pull` and upload the folder again", files=names)
    for path in [path for path in found.kinds if PurePosixPath(path).name == "config.json"][:_MOST_READ]:
        if model := _described(json_object.read(found.folder / path) or {}):
            text = f"{shown(path)} describes a model ({shown(model)}) whose weights are not among the files"
            raise ExternalDataMissing(f"{text}: put {_WEIGHTS} beside it", file=shown(path), model=shown(model))


def _described(config: dict[str, object]) -> str | None:
    """The architecture, or the type, of the transformers model that a configuration is of."""
    named = config.get("architectures")
    told = named[0] if isinstance(named, list) and named else config.get("model_type")
    return told if isinstance(told, str) else None
