"""A function's handler whose first call says where the process's time went, from its start on."""

from __future__ import annotations

import os
import time

began = time.time()

import importlib.util  # noqa: E402 the interpreter's share ends where this begins
from typing import Any  # noqa: E402

import tracer  # noqa: E402

trace = tracer.Tracer()
trace.seconds["interpreter, awslambdaric"] = began - float(os.environ["SPAWNED_AT"])
trace.enter("import our own modules")
spec = importlib.util.spec_from_file_location("handler", os.environ["MEASURED_HANDLER"])
assert spec
assert spec.loader
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
trace.leave()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The phases in seconds and the processor's time in all, with the answer."""
    trace.enter("handler itself")
    answer = module.handler(event, context)
    trace.leave()
    return {"answer": answer, "seconds": dict(trace.seconds), "cpu": time.process_time()}
