from __future__ import annotations

from pathlib import Path

import numpy as np

from aimass.compression.pack import packed_size


def test_packing_that_does_not_pay_is_not_counted(tmp_path: Path) -> None:
    noise = tmp_path / "noise.onnx"
    noise.write_bytes(np.random.default_rng(0).bytes(50_000))

    assert packed_size(noise, tmp_path) == 50_000
    assert list(tmp_path.iterdir()) == [noise]


def test_packing_that_pays_is_counted(tmp_path: Path) -> None:
    trees = tmp_path / "trees.onnx"
    trees.write_bytes(b"tree" * 100_000)

    assert packed_size(trees, tmp_path) < 1_000
    assert list(tmp_path.iterdir()) == [trees]
