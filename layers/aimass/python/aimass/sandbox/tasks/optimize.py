"""A graph that the runtime has optimised already, so that a cold start need not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime as ort

from aimass.sandbox.tasks.agree import agree
from aimass.sandbox.tasks.refusals import reason
from aimass.sandbox.tasks.session import Feed, open_session, predict

_NAME = "model.onnx"
# A protobuf holds 2 GB at most; the weights of larger models go into a file beside it.
_LARGE = 1 << 30
_SMALLEST_EXTERNAL = "1024"
_GROWTH, _ALLOWANCE = 1.5, 1 << 20


class NotUsed(Exception):
    """Why there is no optimised graph."""


def optimize(main: Path, size: int, folder: Path, feed: Feed, expected: Sequence[Any]) -> list[str]:
    """Writes the graph optimised at EXTENDED, the last level that suits every CPU, into `folder`, and replays `feed`.

    `size` is that of all the model's files. Returns the files written, the one to open first. Raises NotUsed.
    """
    folder.mkdir()
    try:
        # Without a place of their own, external weights would be looked for beside the optimised graph.
        _write(main, folder / _NAME, external=size >= _LARGE or size > main.stat().st_size)
        _check_size(folder, size)
        answer = predict(open_session(folder / _NAME), feed)
    except NotUsed:
        raise
    except Exception as error:
        raise NotUsed(reason(str(error))) from None
    if not agree(list(expected), list(answer)):
        raise NotUsed("the optimised graph answers differently")
    others = sorted(file.name for file in folder.iterdir() if file.name != _NAME)
    return [_NAME, *others]


def _write(main: Path, target: Path, *, external: bool) -> None:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    if external:
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", f"{_NAME}.data")
        options.add_session_config_entry(
            "session.optimized_model_external_initializers_min_size_in_bytes", _SMALLEST_EXTERNAL
        )
    open_session(main, options)


def _check_size(folder: Path, size: int) -> None:
    """Folding constants can make a large tensor of a few bytes."""
    written = sum(file.stat().st_size for file in folder.iterdir())
    if written > size * _GROWTH + _ALLOWANCE:
        raise NotUsed(f"the optimised graph takes {written} bytes, the model {size}")
