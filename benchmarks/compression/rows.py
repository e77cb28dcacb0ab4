"""A model's rows from an npz file, cut into the parts of a compression, without the platform around it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aimass.compression.budget import check_fit, check_rows, default_budget, parse_budget
from aimass.compression.contract import Ask, Target
from aimass.compression.data.labels import Labels
from aimass.compression.model_file import open_session
from aimass.compression.part_file import write_part
from aimass.compression.plan import Wish
from aimass.compression.reading import Reading
from aimass.compression.rows import Data
from aimass.compression.splits import split
from aimass.compression.steps.folder import CALIBRATION, CHOOSING, HELD_OUT, Asked, Folder

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
_LABELS = ("labels", "label", "y", "target")


def prepare(folder: Folder, source: Path, budget: dict[str, float] | None, wish: Wish, target: Target) -> Asked:
    """Writes the parts. Raises InvalidArguments where they are too few for the budget."""
    data = _data(source, folder.original)
    parts = split(data)
    for name, rows in ((CALIBRATION, parts.calibration), (CHOOSING, parts.choosing), (HELD_OUT, parts.held_out)):
        write_part(folder.rows(name), data, rows)
    reading = _reading(folder.original, data.labels)
    kept = parse_budget(budget) if budget else default_budget(reading, data.labels)
    check_fit(kept, reading, data.labels)
    check_rows(kept, len(parts.held_out))
    ask = Ask(target, len(parts.calibration), False, data.labels is not None)
    return Asked(ask, wish, kept, reading, len(parts.held_out))


def _data(source: Path, model: Path) -> Data:
    with np.load(source, allow_pickle=False) as arrays:
        found = dict(arrays)
    session = open_session(model)
    inputs = {
        one.name: found[one.name].astype(
            object if one.type == "tensor(string)" else _TYPES.get(one.type, found[one.name].dtype)
        )
        for one in session.get_inputs()
    }
    labels = next((found[name] for name in _LABELS if name in found), None)
    if labels is None:
        return Data(inputs, None, seen=len(next(iter(inputs.values()))))
    numbers = labels.dtype.kind == "f"
    found_labels = (
        Labels("numbers", labels.astype(np.float64)) if numbers else Labels("classes", labels.astype(np.int64))
    )
    return Data(inputs, found_labels, seen=len(labels))


def _reading(model: Path, labels: Labels | None) -> Reading:
    outputs = open_session(model).get_outputs()
    if outputs[0].type in ("tensor(int64)", "tensor(string)"):
        return Reading(outputs[0].name, "labels", scores=outputs[1].name if len(outputs) > 1 else None)
    if labels is not None and labels.kind == "numbers":
        return Reading(outputs[0].name, "numbers")
    return Reading(outputs[0].name, "one column" if outputs[0].shape[-1] == 1 else "columns")
