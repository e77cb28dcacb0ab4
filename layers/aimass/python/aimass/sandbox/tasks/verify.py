"""Loads a model, runs it, measures it, and writes its optimised graph."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnxruntime as ort

from aimass.domain.errors import InvalidModel, InvalidSample
from aimass.formats.onnx_model import weight_sizes
from aimass.sandbox.tasks.agree import agree
from aimass.sandbox.tasks.generate import first_that_runs
from aimass.sandbox.tasks.measure import peak_bytes, percentile, resident_bytes, timed_runs
from aimass.sandbox.tasks.optimize import NotUsed, optimize
from aimass.sandbox.tasks.refusals import load_refusal, raise_for_memory, reason
from aimass.sandbox.tasks.sample import read_sample
from aimass.sandbox.tasks.session import Feed, open_session, predict, within
from aimass.sandbox.tasks.specs import input_spec, output_spec
from aimass.sandbox.tasks.types import unknown_element


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Answers first without an optimised graph, for that is a gain and not a condition."""
    main, seconds = Path.cwd() / request["main"], request["prediction_seconds"]
    sample = Path(request["sample"]) if request["sample"] else None
    verified, feed, answer = _measured(main, sample, seconds)
    yield verified | {"optimized": [], "note": None}
    yield verified | _optimized(main, request["size"], feed, answer)


def _measured(main: Path, sample: Path | None, seconds: float) -> tuple[dict[str, Any], Feed, Sequence[Any] | None]:
    """The measurements, and the inputs with their answer, or None for it if the model never answers the same twice."""
    baseline = resident_bytes()
    session, load_ms = _loaded(main)
    feed, answer = _first_run(session, main, sample, seconds)
    times, repeated = timed_runs(lambda: within(seconds, lambda: predict(session, feed)))
    verified = {
        "inputs": [input_spec(value, feed[value.name]) for value in session.get_inputs()],
        "outputs": [output_spec(value, seen) for value, seen in zip(session.get_outputs(), answer, strict=True)],
        "measurements": {
            "load_ms": load_ms,
            "memory_bytes": max(0, peak_bytes() - baseline),
            "p50_ms": percentile(times, 0.5),
            "p99_ms": percentile(times, 0.99),
            "runs": len(times),
            "onnxruntime": ort.__version__,
        },
    }
    return verified, feed, answer if agree(list(answer), list(repeated)) else None


def _loaded(main: Path) -> tuple[ort.InferenceSession, float]:
    start = time.perf_counter()
    try:
        session = open_session(main)
    except Exception as error:
        raise load_refusal(error) from None
    _check_interface(session)
    return session, (time.perf_counter() - start) * 1e3


def _check_interface(session: ort.InferenceSession) -> None:
    if not session.get_outputs():
        raise InvalidModel("the model declares no outputs")
    for value in (*session.get_inputs(), *session.get_outputs()):
        if element := unknown_element(value.type):
            text = f"{value.name!r} has the element type {element}, which no request can carry; cast it to another"
            raise InvalidModel(text, tensor=value.name, element=element)


def _first_run(
    session: ort.InferenceSession, main: Path, sample: Path | None, seconds: float
) -> tuple[Feed, Sequence[Any]]:
    def call(feed: Feed) -> Sequence[Any]:
        return within(seconds, lambda: predict(session, feed))

    inputs = session.get_inputs()
    if sample is None:
        return first_that_runs(inputs, call, seconds, lambda: weight_sizes(main))
    feed = read_sample(sample, inputs)
    try:
        return feed, call(feed)
    except Exception as error:
        raise_for_memory(str(error))
        raise InvalidSample(f"the model refuses the sample: {reason(str(error))}") from None


def _optimized(main: Path, size: int, feed: Feed, answer: Sequence[Any] | None) -> dict[str, Any]:
    if answer is None:
        return {"optimized": [], "note": "not optimised: the model answers differently each time"}
    folder = main.parent / "optimized"
    while folder.exists():
        folder = folder.with_name(folder.name + "_")
    try:
        files = optimize(main, size, folder, feed, answer)
    except NotUsed as why:
        shutil.rmtree(folder)
        return {"optimized": [], "note": f"not optimised: {why}"}
    return {"optimized": [f"{folder.name}/{file}" for file in files], "note": None}
