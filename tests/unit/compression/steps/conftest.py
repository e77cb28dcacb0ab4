from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from aimass.compression.measure import Cost, Feed
from aimass.compression.steps import evaluate


@pytest.fixture(autouse=True)
def _equally_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of models this small are noise, and take seconds; `test_measure` has the real ones."""

    def beside(original: Path, candidate: Path, feeds: Sequence[Feed]) -> tuple[Cost, Cost]:
        assert feeds
        return Cost(1, 1, 1, 1, 10, None), Cost(1, 1, 1, 1, 10, None)

    monkeypatch.setattr(evaluate, "beside", beside)
