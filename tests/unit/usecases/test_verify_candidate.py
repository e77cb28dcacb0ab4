"""A candidate on its way to a variant, over fakes of the children that look at it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aimass.sandbox.limits import Limits
from aimass.usecases import verify_candidate as use
from tests.unit.usecases.publishing import LIMITS, MEASURED, Artifacts, model_of, version


class Clock:
    """Seconds that pass when a child says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(("identified", "left"), [(20.5, 39), (59.9, 1)])
def test_looking_and_running_share_one_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identified: float, left: int
) -> None:
    (tmp_path / "model.onnx").write_bytes(model_of("int8"))
    clock, given, original = Clock(), list[Limits](), version()

    def identify(root: Path, limits: Limits) -> Any:
        given.append(limits)
        clock.now += identified
        return SimpleNamespace(format="onnx", main="model.onnx", folder=root, files=("model.onnx",))

    def verify(root: Path, main: str, sample: Path | None, limits: Limits, seconds: float) -> Any:
        given.append(limits)
        specs = {"inputs": original.inputs, "outputs": original.outputs}
        return SimpleNamespace(**specs, optimized_main=None, optimized=(), measurements=MEASURED, optimized_note=None)

    for name, fake in {"time": clock, "identify_folder": identify, "verify_folder": verify}.items():
        monkeypatch.setattr(use, name, fake)
    artifacts: Any = Artifacts()
    assert use.verify_candidate(artifacts, "t", original, "int8", tmp_path, None, LIMITS, 5.0).name == "int8"
    assert given == [LIMITS, replace(LIMITS, seconds=left)]
