"""Runs in a converter's environment: makes models there and scores answers, asked line by line on standard input.

.venv/convert-trees/bin/python -m benchmarks.imports.maker trees
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.imports.originals import original_answers
from tests.converters.models.made import Made

_CLOSE = 1e-4  # relative, of numbers
_SAMPLE_ROWS = 16


class Asked(Mapping[str, Any]):
    """Outputs, and the one that a score asked for. What a library answers, without names, is any output."""

    def __init__(self, outputs: Mapping[str, Any] | np.ndarray) -> None:
        self._outputs = outputs
        self.array = np.empty(0)

    def __getitem__(self, name: str) -> np.ndarray:
        self.array = np.asarray(self._outputs if isinstance(self._outputs, np.ndarray) else self._outputs[name])
        return self.array

    def __iter__(self) -> Iterator[str]:
        return iter(() if isinstance(self._outputs, np.ndarray) else self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)


class Maker:
    """Of one environment's models. `originals` are what their own libraries answered, by name."""

    def __init__(self, environment: str) -> None:
        packaged, tested = (
            importlib.import_module(f"{package}.{environment}")
            for package in ("benchmarks.imports.models", "tests.converters.models")
        )
        self._makes = {**tested.MODELS, **packaged.MODELS}
        self._made: dict[str, tuple[Made, Asked]] = {}

    def make(
        self, name: str, function: str, arguments: dict[str, Any], folder: str, sample: str | None
    ) -> dict[str, Any]:
        """Makes a model in `folder/model`; `rows.npz` beside it has its rows, where its answers are scored.

        Answers its files and its score `before`, by its own library. With `sample` a few of its rows are among the
        files; where that names an output, so are its library's answers.
        """
        top, model = Path(folder), Path(folder) / "model"
        model.mkdir(parents=True)
        made: Made = self._makes[function](model, **arguments)
        told: dict[str, Any] = {"files": list(made.files)}
        if sample is not None:
            np.savez(model / "sample.npz", **{key: _some(rows) for key, rows in made.rows.items()})
            told["files"].append("sample.npz")
        if sample:
            np.savez(model / "expected.npz", **{sample: original_answers(model, made)[:_SAMPLE_ROWS]})
            told["files"].append("expected.npz")
        if made.score is not None and made.rows:
            np.savez(top / "rows.npz", **{key: _plain(rows) for key, rows in made.rows.items()})
            before = Asked(original_answers(model, made))
            told |= {"before": float(made.score(before)), "rows": len(next(iter(made.rows.values())))}
            self._made[name] = made, before
        return told

    def score(self, name: str, path: str, task: str) -> dict[str, Any]:
        """The score `after`, of outputs in a file, and the share of rows that its library answers the `same`."""
        made, before = self._made.pop(name)
        assert made.score is not None
        with np.load(path) as outputs:
            after = Asked(dict(outputs))
        return {"after": float(made.score(after)), "same": _same(task, before.array, after.array)}


def _some(rows: np.ndarray) -> np.ndarray:
    return _plain(rows[:_SAMPLE_ROWS]) if rows.ndim else rows


def _plain(rows: np.ndarray) -> np.ndarray:
    """Strings as NumPy's own, which need no pickle."""
    return rows.astype(str) if rows.dtype == object else rows


def _same(task: str, before: np.ndarray, after: np.ndarray) -> float:
    """The share of equal labels, of scores with the same best column, of numbers or vectors that are close."""
    if task == "labels" and before.ndim == 2 and before.shape[1] > 1:
        before, after = before.argmax(1), after.argmax(1)
    if task == "labels":
        return float(np.mean(_texts(before) == _texts(after)))
    near = np.isclose(after.reshape(len(before), -1), before.reshape(len(before), -1), rtol=_CLOSE, atol=_CLOSE)
    return float(np.mean(near.all(1)))


def _texts(labels: np.ndarray) -> np.ndarray:
    """True, 1 and 1.0 are one label."""
    labels = labels.ravel()
    return labels.astype(str) if labels.dtype.kind in "OU" else labels.astype(np.int64).astype(str)


def _serve(environment: str) -> None:
    """One request a line, one answer a line; what libraries print goes to standard error."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    maker = Maker(environment)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(maker, request.pop("do"))(**request)
        except Exception as error:
            traceback.print_exc()
            answer = {"failed": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(answer) + "\n")
        replies.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
