"""What steps leave: one JSON file each, under the key of everything that it depends on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aimass.compression.statistics import Loss

Record = dict[str, Any]


def once(path: Path, key: str, make: Callable[[], Record]) -> Record:
    """What lies in the file under this key, or what `make` gives, which is written there."""
    found = read(path)
    if found is not None and found.get("key") == key:
        return found
    write(path, {"key": key, **make()})
    return read(path) or {}


def read(path: Path) -> Record | None:
    """None where there is no file. A file is written as a whole or not at all."""
    try:
        return dict(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


def write(path: Path, record: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(json.dumps(_plain(record), indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False))
    os.replace(beside, path)


def of_lost_model(made: Mapping[str, Any] | None) -> Record:
    """What tells of a model that is another, of what told of the one that was: without a key it is made anew."""
    assert made is not None, "whoever asks has read it"
    last = made["recipe"]["stages"][-1]["pass"]
    return {"key": "", "recipe": made["recipe"], "refused": {"pass": last, "reason": "its model was lost"}}


def loss_to_json(loss: Loss) -> Record:
    return asdict(loss)


def loss_from_json(record: Mapping[str, Any]) -> Loss:
    """What could not be told, null, is the worst: infinite."""
    high = {name: math.inf if record[name] is None else float(record[name]) for name in ("estimate", "upper")}
    low = -math.inf if record["lower"] is None else float(record["lower"])
    return Loss(high["estimate"], high["upper"], low, float(record["confidence"]), int(record["rows"]))


def _plain(value: Any) -> Any:
    """JSON has no infinite numbers: null."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
