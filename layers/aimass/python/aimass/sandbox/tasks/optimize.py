"""A graph that the runtime has optimised already, so that a cold start need not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime as ort

from aimass.inference.onnxruntime.model import OpenModel, session_options
from aimass.inference.onnxruntime.words import reason
from aimass.sandbox.tasks.agree import agree
from aimass.sandbox.tasks.session import THREADS, Feed, load, predict

_NAME = "model.onnx"
# A protobuf holds 2 GB at most; the weights of larger models go into a file beside it.
_LARGE = 1 << 30
_SMALLEST_EXTERNAL = "1024"
_GROWTH, _ALLOWANCE = 1.5, 1 << 20


class NotUsed(Exception):
    """Why there is no optimised graph."""


@dataclass(frozen=True)
class Optimized:
    """The files written, the one to open first, and how long opening it takes."""

    files: list[str]
    load_seconds: float


def optimize(main: Path, size: int, folder: Path, feed: Feed, expected: Sequence[Any], seconds: float) -> Optimized:
    """Writes the graph optimised at EXTENDED, the last level that suits every CPU, into `folder`, and replays `feed`.

    `size` is that of all the model's files, `seconds` what loading or one prediction may take. Raises NotUsed.
    """
    folder.mkdir()
    try:
        # Without a place of their own, external weights would be looked for beside the optimised graph.
        _write(main, folder / _NAME, external=size >= _LARGE or size > main.stat().st_size)
        _check_size(folder, size)
        model, load_seconds = load(folder / _NAME, seconds)
        answer = predict(model, feed, seconds)
    except NotUsed:
        raise
    except Exception as error:
        raise NotUsed(reason(str(error))) from None
    if not agree(list(expected), list(answer)):
        raise NotUsed("the optimised graph answers differently")
    others = sorted(file.name for file in folder.iterdir() if file.name != _NAME)
    return Optimized([_NAME, *others], load_seconds)


def _write(main: Path, target: Path, *, external: bool) -> None:
    options = session_options(THREADS)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    # Packed weights are not written, and would take the model's memory once more.
    options.add_session_config_entry("session.disable_prepacking", "1")
    if external:
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", f"{_NAME}.data")
        options.add_session_config_entry(
            "session.optimized_model_external_initializers_min_size_in_bytes", _SMALLEST_EXTERNAL
        )
    OpenModel(main, options)


def _check_size(folder: Path, size: int) -> None:
    """Folding constants can make a large tensor of a few bytes."""
    written = sum(file.stat().st_size for file in folder.iterdir())
    if written > size * _GROWTH + _ALLOWANCE:
        raise NotUsed(f"the optimised graph takes {written} bytes, the model {size}")
