"""A function's handler that calls itself over and over, beside the runtime alone, and says how long each took."""

from __future__ import annotations

import importlib.util
import os
import time
from typing import Any

spec = importlib.util.spec_from_file_location("handler", os.environ["MEASURED_HANDLER"])
assert spec
assert spec.loader
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
opened: list[Any] = []
BLOCK = 20  # calls of one kind in a row, so that both see the same machine


def handler(event: dict[str, Any], context: Any) -> dict[str, list[float]]:
    """Seconds of at least `calls` calls each: handler, runtime alone. The first ones warm up and aren't told."""
    inputs = _arrays(event["inputs"])
    session = opened[-1] if opened else _recorded(event, context)
    handled: list[float] = []
    raw: list[float] = []
    while len(raw) < event["calls"] + BLOCK:
        for _ in range(BLOCK):
            call = _copy(event["event"])
            began = time.perf_counter()
            answer = module.handler(call, context)
            handled.append(time.perf_counter() - began)
            assert answer["statusCode"] == 200, answer
        for _ in range(BLOCK):
            began = time.perf_counter()
            session.run(None, inputs)
            raw.append(time.perf_counter() - began)
    return {"handler": handled[BLOCK:], "run": raw[BLOCK:]}


def _copy(event: dict[str, Any]) -> dict[str, Any]:
    """As each call brings its own."""
    return event | {"requestContext": dict(event["requestContext"])}


def _recorded(event: dict[str, Any], context: Any) -> Any:
    """The session that the handler opens for the call: the very one is measured alone."""
    import onnxruntime

    class Recorded(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            opened.append(self)

    original, onnxruntime.InferenceSession = onnxruntime.InferenceSession, Recorded
    answer = module.handler(_copy(event["event"]), context)
    onnxruntime.InferenceSession = original
    assert answer["statusCode"] == 200, answer
    return opened[-1]


def _arrays(inputs: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    return {name: np.array(one["data"], one["dtype"]) for name, one in inputs.items()}
