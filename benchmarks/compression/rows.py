"""A model's rows from an npz file, cut into the parts of a compression, without the platform around it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
from aimass.compression.steps.evaluate import rows_judged
from aimass.compression.steps.folder import CALIBRATION, CHOOSING, HELD_OUT, Asked, Folder

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
_LABELS = ("labels", "label", "y", "target")


def prepare(folder: Folder, source: Path, budget: Mapping[str, float] | None, wish: Wish, target: Target) -> Asked:
    """Writes the parts. Raises InvalidArguments where they are too few for the budget."""
    data = data_in(source, folder.original)
    parts = split(data)
    for name, rows in ((CALIBRATION, parts.calibration), (CHOOSING, parts.choosing), (HELD_OUT, parts.held_out)):
        write_part(folder.rows(name), data, rows)
    reading = reading_by(folder.original, data)
    kept = parse_budget(budget) if budget else default_budget(reading, data.labels)
    check_fit(kept, reading, data.labels)
    held_out = rows_judged(folder, HELD_OUT)
    check_rows(kept, held_out)
    ask = Ask(target, len(parts.calibration), False, data.labels is not None)
    return Asked(ask, wish, kept, reading, held_out)


def data_in(source: Path, model: Path) -> Data:
    """Arrays by the inputs' names, and `labels`. Where all have one dimension more than the inputs, rows are calls."""
    with np.load(source, allow_pickle=False) as arrays:
        found = dict(arrays)
    wanted = open_session(model).get_inputs()
    inputs = {
        one.name: found[one.name].astype(
            object if one.type == "tensor(string)" else _TYPES.get(one.type, found[one.name].dtype), copy=False
        )
        for one in wanted
    }
    whole = all(inputs[one.name].ndim == len(one.shape) + 1 for one in wanted)
    labels = next((_labels(found[name]) for name in _LABELS if name in found), None)
    return Data(inputs, labels, whole, seen=len(next(iter(inputs.values()))))


def reading_by(model: Path, data: Data) -> Reading:
    """How the model's first output is read, by its type and shape and what the labels are."""
    outputs = open_session(model).get_outputs()
    first = outputs[0]
    if first.type in ("tensor(int64)", "tensor(string)"):
        return Reading(first.name, "labels", scores=outputs[1].name if len(outputs) > 1 else None)
    if data.labels is not None and data.labels.kind == "numbers":
        return Reading(first.name, "numbers")
    rank = len(first.shape) + data.whole
    single = first.shape[-1] == 1 or (data.labels is not None and rank == data.labels.values.ndim)
    return Reading(first.name, "one column" if single else "columns")


def _labels(values: np.ndarray[Any, Any]) -> Labels | None:
    """None for texts: what no output of a model is compared with."""
    if values.dtype.kind == "U":
        return None
    if values.dtype.kind == "f":
        return Labels("numbers", values.astype(np.float64))
    return Labels("classes", values.astype(np.int64))
