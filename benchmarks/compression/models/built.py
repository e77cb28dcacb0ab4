"""What a script that makes a model leaves in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Rows = Mapping[str, np.ndarray]
MODEL, DATA, TEST, ABOUT = "model.onnx", "data.npz", "test.npz", "about.json"


@dataclass(frozen=True)
class Built:
    """`data` goes to the compression and its rivals, `test` judges all of them: by the inputs' names, with `labels`.

    `about`: what is worth knowing of the making: what it was trained on, how long, with what.
    """

    data: Rows
    test: Rows
    about: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path, minutes: float) -> None:
        """Beside the model; the JSON last, so that what has one is whole."""
        _save(folder / DATA, self.data)
        _save(folder / TEST, self.test)
        about = {"minutes": round(minutes, 2), **self.about}
        (folder / ABOUT).write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")


def _save(path: Path, rows: Rows) -> None:
    arrays: dict[str, Any] = dict(rows)
    np.savez(path, **arrays)
