"""A model opened as `predict` opens it, but on one thread; and calls of it that end in time."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from aimass.inference.onnxruntime.model import OpenModel, run_options, session_options
from aimass.sandbox.limits import FIRST_LOAD_SLACK

Feed = Mapping[str, Any]
_Answer = TypeVar("_Answer")

THREADS = 1


def load(main: Path, seconds: float) -> tuple[OpenModel, float]:
    """The model, and the seconds that opening it took; the runtime's own exceptions pass through.

    A load that computes for longer than a few times `seconds` ends this process with SIGPROF.
    """
    start = time.perf_counter()
    options = session_options(THREADS)
    model = _timed(signal.ITIMER_PROF, seconds * FIRST_LOAD_SLACK, lambda: OpenModel(main, options))
    return model, time.perf_counter() - start


def predict(model: OpenModel, feed: Feed, seconds: float) -> list[Any]:
    """All outputs. A prediction that takes longer than `seconds` ends this process with SIGALRM."""
    return _timed(signal.ITIMER_REAL, seconds, lambda: model.run(feed, run_options()))


def _timed(timer: int, seconds: float, call: Callable[[], _Answer]) -> _Answer:
    """Calls, and lets the kernel end this process with the timer's signal, whatever code is running."""
    signal.setitimer(timer, seconds)
    try:
        return call()
    finally:
        signal.setitimer(timer, 0)
