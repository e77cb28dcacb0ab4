from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from aimass.compression.contract import NotApplicable
from aimass.compression.measure import beside, memory_of, speed
from tests.unit.compression.folders import FEATURES, classifier


def saved(path: Path, width: int) -> Path:
    onnx.save(classifier(width), path)
    return path


def rows(count: int) -> dict[str, np.ndarray]:
    return {"x": np.ones((count, FEATURES), np.float32)}


def test_both_models_are_run_equally_often_and_a_larger_one_is_slower(tmp_path: Path) -> None:
    large, small = saved(tmp_path / "large.onnx", 60_000), saved(tmp_path / "small.onnx", 16)

    original, candidate = beside(large, small, [rows(8)], seconds=0.5)

    assert original.runs == candidate.runs >= 4
    assert candidate.best_ms <= candidate.p50_ms <= candidate.p99_ms
    assert speed(original, candidate) > 2  # of about 1,000
    assert original.load_ms > candidate.load_ms > 0


def test_a_model_that_holds_more_takes_more_memory(tmp_path: Path) -> None:
    large, small = saved(tmp_path / "large.onnx", 1_000_000), saved(tmp_path / "small.onnx", 16)

    large_bytes, small_bytes = memory_of(large, rows(1)), memory_of(small, rows(1))

    assert large_bytes is not None
    assert small_bytes is not None
    assert large_bytes > small_bytes + (40 << 20)  # its weights are 80 MB


def test_a_model_that_does_not_take_the_row_is_no_candidate(tmp_path: Path) -> None:
    model = saved(tmp_path / "model.onnx", 16)

    with pytest.raises(NotApplicable, match="the model does not run"):
        beside(model, model, [{"x": np.ones((1, 3), np.float32)}])
    with pytest.raises(NotApplicable, match="no row"):
        beside(model, model, [])
