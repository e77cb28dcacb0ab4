"""The session that every peer opens: the same file, runtime and provider. Runs in the peers' environments."""

from __future__ import annotations

import os

import onnxruntime


def open_session() -> onnxruntime.InferenceSession:
    """Of BENCH_MODEL; BENCH_THREADS 0 leaves onnxruntime its default, a thread a core."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["BENCH_THREADS"])
    return onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options, providers=["CPUExecutionProvider"])


def input_types(session: onnxruntime.InferenceSession) -> dict[str, str]:
    """numpy's name of each input's type."""
    names = {"tensor(float)": "float32", "tensor(int64)": "int64"}
    return {one.name: names[one.type] for one in session.get_inputs()}
