"""Runs in a converter's environment: makes a model, converts it as a job does, and says what came of it as JSON.

    .venv/convert-trees/bin/python -m tests.converters.drive trees xgboost_binary

A family's models are functions of tests/converters/models/<family>.py, listed in its `MODELS` by name. Each is given an
empty folder, trains and saves there, and returns a `Made`.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import AimassError
from aimass.formats.converter import Candidate, Converter
from aimass.formats.registry import converter_of
from aimass.sandbox.tasks.convert import convert
from tests.converters.models.made import Made


def answer(family: str, model: str, sample: str | None = None, **arguments: Any) -> dict[str, Any]:
    """What the task `convert` answers, with the ONNX model's `inputs`, `outputs`, `opset`, `ir` and `sha256`, and the
    model's `accuracy` on its own rows, before and after. A refusal is `error`, with its code, message and details.

    `arguments` are handed to the function that makes the model; `sample` is `given` to replay the model's own rows.
    The model `*` stands for the list of all.
    """
    if model == "*":
        return {"models": sorted(importlib.import_module(f"tests.converters.models.{family}").MODELS)}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return _converted(Path(folder), family, model, sample, arguments)
        finally:
            os.chdir("/")


def _converted(folder: Path, family: str, model: str, sample: str | None, arguments: dict[str, Any]) -> dict[str, Any]:
    originals = folder / "model"
    originals.mkdir()
    made: Made = importlib.import_module(f"tests.converters.models.{family}").MODELS[model](originals, **arguments)
    converter = converter_of(made.format)
    assert converter is not None, made.format
    candidate = Candidate(made.format, made.files, made.facts)
    if sample == "given":
        np.savez(folder / "sample.npz", **made.rows)
    request = {
        "candidate": {"format": made.format, "files": list(made.files), "facts": dict(made.facts)},
        "sample": "sample.npz" if sample == "given" else None,
        "expected": None,
        "seconds": 60.0,
    }
    try:
        answered = convert(converter, request)
        return {**answered, **_described(folder / "out" / "model.onnx", made, converter, candidate, originals)}
    except AimassError as error:
        return {"error": {"code": error.code, "message": error.message, "details": dict(error.details)}}
    except Exception:
        return {"raised": traceback.format_exc()}


def _described(main: Path, made: Made, converter: Converter, candidate: Candidate, folder: Path) -> dict[str, Any]:
    import onnx
    import onnxruntime

    graph = onnx.load(str(main), load_external_data=False)
    session = onnxruntime.InferenceSession(str(main), providers=["CPUExecutionProvider"])
    described = {
        "inputs": [[one.name, one.type, one.shape] for one in session.get_inputs()],
        "outputs": [[one.name, one.type, one.shape] for one in session.get_outputs()],
        "opset": {one.domain or "ai.onnx": one.version for one in graph.opset_import},
        "ir": graph.ir_version,
        "sha256": hashlib.sha256(main.read_bytes()).hexdigest(),
    }
    if made.score is None:
        return described
    assert converter.open is not None
    original = converter.open(folder, candidate)
    with tempfile.TemporaryDirectory() as again:
        original.convert(Path(again))
    names = [one.name for one in session.get_outputs()]
    after = dict(zip(names, session.run(None, dict(made.rows)), strict=True))
    described["accuracy"] = [float(made.score(original.run(made.rows))), float(made.score(after))]
    return described


def _serve() -> None:
    """One request a line on standard input, one answer a line; what libraries print goes to standard error."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        replies.write(json.dumps(answer(**json.loads(line)), default=str) + "\n")
        replies.flush()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(answer(sys.argv[1], sys.argv[2]), indent=1, default=str))
    else:
        _serve()
