"""`session.run` and nothing around it, in a process of its own: what no server can pass."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.predict.loads import LOADS, Load
from benchmarks.predict.measures import Measure
from benchmarks.stack import memory_mib

WARM_UP_SECONDS = 0.5


def measure_raw(load: Load, model: Path, threads: int, seconds: float) -> Measure:
    """`threads` 0 is onnxruntime's default, one a core."""
    command = [sys.executable, "-m", "benchmarks.predict.raw", load.name, str(model), str(threads), str(seconds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Measure(**json.loads(done.stdout))


def _run(load: Load, model: Path, threads: int, seconds: float) -> Measure:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    _timed(session, load, WARM_UP_SECONDS)
    cpu = time.process_time()
    times = _timed(session, load, seconds)
    cpu = time.process_time() - cpu
    p50, p99 = np.percentile(times, (50, 99)) * 1000
    mib = memory_mib([os.getpid()])[1]
    return Measure(len(times) / sum(times), p50, p99, 1000 * cpu / len(times), mib)


def _timed(session: onnxruntime.InferenceSession, load: Load, seconds: float) -> list[float]:
    times: list[float] = []
    until = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < until:
        session.run(None, load.inputs)
        times.append(time.perf_counter() - begun)
    return times


if __name__ == "__main__":
    name, path, count, length = sys.argv[1:]
    chosen = next(load for load in LOADS if load.name == name)
    print(json.dumps(asdict(_run(chosen, Path(path), int(count), float(length)))))
