from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import ModelProto

from aimass.sandbox.limits import MIB, Limits
from aimass.sandbox.verify import Verified, verify_folder
from tests.unit.sandbox.graphs import write

LIMITS = Limits(seconds=60, memory_bytes=1024 * MIB, file_bytes=512 * MIB)
Verify = Callable[..., Verified]


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """Writes a model into a folder of its own and verifies it there."""

    def run(proto: ModelProto, sample: Path | None = None, *, seconds: float = 20, limits: Limits = LIMITS) -> Any:
        write(tmp_path / "model", proto)
        return verify_folder(tmp_path / "model", "model.onnx", sample, limits, seconds)

    return run
