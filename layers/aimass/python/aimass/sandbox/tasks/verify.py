"""Loads a model, runs it, measures it, and writes its optimised graph."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aimass.compression.gauges import peak_bytes, percentile
from aimass.domain.datatypes import parse_type
from aimass.domain.errors import InvalidModel, InvalidSample, ModelTimeout, PredictionFailed
from aimass.formats.member import shown
from aimass.formats.onnx_model import weight_sizes
from aimass.formats.onnx_scaling import scales_pictures
from aimass.inference.onnxruntime.model import VERSION, OpenModel
from aimass.inference.onnxruntime.words import reason
from aimass.sandbox.tasks.agree import agree
from aimass.sandbox.tasks.generate import first_that_runs
from aimass.sandbox.tasks.measure import baseline_bytes, timed_runs
from aimass.sandbox.tasks.optimize import NotUsed, Optimized, optimize
from aimass.sandbox.tasks.refusals import load_refusal, raise_for_memory
from aimass.sandbox.tasks.sample import read_sample
from aimass.sandbox.tasks.session import Feed, load, predict
from aimass.sandbox.tasks.specs import input_spec, is_raw, output_spec, takes_float_pictures

_WIDE = 16.0  # pictures that are scaled and normalised have numbers of up to about 3


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Answers before there is an optimised graph, for that is a gain; a model that loads too slowly needs it."""
    main, seconds = Path.cwd() / request["main"], request["prediction_seconds"]
    sample = Path(request["sample"]) if request["sample"] else None
    measured = _measured(main, sample, seconds)
    if measured.load_seconds <= seconds:
        yield _answer(measured, measured.load_seconds, Optimized([], 0.0), None)
    served, note = _optimized(main, request["size"], measured, seconds)
    load_seconds = served.load_seconds if served.files else measured.load_seconds
    if load_seconds > seconds:
        raise ModelTimeout(f"loading takes {load_seconds:.3g} s; at most {seconds:g} s", seconds=seconds)
    yield _answer(measured, load_seconds, served, note)


@dataclass(frozen=True)
class _Measured:
    """A model that ran: what is known of it, its load, and one call of it.

    `answer` is None for a model that never answers the same twice.
    """

    facts: dict[str, Any]
    measurements: dict[str, Any]
    load_seconds: float
    feed: Feed
    answer: Sequence[Any] | None


def _answer(measured: _Measured, load_seconds: float, served: Optimized, note: str | None) -> dict[str, Any]:
    measurements = {**measured.measurements, "load_ms": load_seconds * 1e3}
    return {**measured.facts, "measurements": measurements, "optimized": served.files, "note": note}


def _measured(main: Path, sample: Path | None, seconds: float) -> _Measured:
    baseline = baseline_bytes()
    model, load_seconds = _loaded(main, seconds)
    feed, answer = _first_run(model, main, sample, seconds)
    times, repeated = timed_runs(lambda: predict(model, feed, seconds))
    facts = {
        "inputs": [input_spec(value, feed[value.name]) for value in model.inputs],
        "outputs": [output_spec(value, seen) for value, seen in zip(model.outputs, answer, strict=True)],
        "raw_scores": [value.name for value, seen in zip(model.outputs, answer, strict=True) if is_raw(value, seen)],
    }
    measurements = {
        "memory_bytes": max(0, peak_bytes() - baseline),
        "p50_ms": percentile(times, 0.5),
        "p99_ms": percentile(times, 0.99),
        "runs": len(times),
        "onnxruntime": VERSION,
    }
    # Last, for reading the graph takes memory that a prediction does not.
    facts["unscaled"] = [
        spec["name"]
        for spec in facts["inputs"]
        if takes_float_pictures(spec) and (_is_wide(feed, spec, sample) or scales_pictures(main, spec["name"]))
    ]
    return _Measured(facts, measurements, load_seconds, feed, answer if agree(answer, repeated) else None)


def _is_wide(feed: Feed, spec: dict[str, Any], sample: Path | None) -> bool:
    """Whether the owner's sample holds numbers that no picture scaled to 1 has, nor one divided by its deviation."""
    return sample is not None and bool(np.abs(feed[spec["name"]].astype(np.float32)).max(initial=0) > _WIDE)


def _loaded(main: Path, seconds: float) -> tuple[OpenModel, float]:
    try:
        model, load_seconds = load(main, seconds)
    except Exception as error:
        raise load_refusal(error) from None
    _check_interface(model)
    return model, load_seconds


def _check_interface(model: OpenModel) -> None:
    if not model.outputs:
        raise InvalidModel("the model declares no outputs")
    for value in (*model.inputs, *model.outputs):
        try:
            parse_type(value.type)
        except PredictionFailed:
            name, kind = shown(value.name), shown(value.type)
            text = f"'{name}' has the type {kind}, which no request can carry; cast it to another"
            raise InvalidModel(text, tensor=name, type=kind) from None


def _first_run(model: OpenModel, main: Path, sample: Path | None, seconds: float) -> tuple[Feed, Sequence[Any]]:
    def call(feed: Feed) -> list[Any]:
        return predict(model, feed, seconds)

    if sample is None:
        return first_that_runs(model.inputs, call, seconds, lambda: weight_sizes(main))
    feed = read_sample(sample, model.inputs)
    try:
        return feed, call(feed)
    except Exception as error:
        raise_for_memory(str(error))
        raise InvalidSample(f"the model refuses the sample: {reason(str(error))}") from None


def _optimized(main: Path, size: int, measured: _Measured, seconds: float) -> tuple[Optimized, str | None]:
    """The optimised graph with its files as paths from the model's folder, or none and why."""
    if measured.answer is None:
        return Optimized([], 0.0), "not optimised: the model answers differently each time"
    folder = main.parent / "optimized"
    while folder.exists():
        folder = folder.with_name(folder.name + "_")
    try:
        found = optimize(main, size, folder, measured.feed, measured.answer, seconds)
    except NotUsed as why:
        shutil.rmtree(folder)
        return Optimized([], 0.0), f"not optimised: {why}"
    return Optimized([f"{folder.name}/{file}" for file in found.files], found.load_seconds), None
