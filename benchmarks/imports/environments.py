"""The converters' environments as processes: one that makes models, and how long one takes to start."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.converters import python_of

ROOT = Path(__file__).resolve().parents[2]
#: What a conversion's child imports, then the libraries that its models are opened with, and written by.
LIBRARIES = {
    "trees": ("sklearn, skl2onnx", "xgboost", "lightgbm", "catboost"),
    "torch": ("torch, onnxscript", "torch, transformers"),
    "tensorflow": ("keras", "tensorflow, tf2onnx"),
}
_STARTS = 3
_VARIABLES = {
    "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "layers/aimass/python", ROOT))),
    "PYTHONDONTWRITEBYTECODE": "1",
    "HF_HUB_OFFLINE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "LC_ALL": "C.UTF-8",
}


class MakingFailed(Exception):
    """A model could not be made, or scored: nothing that the platform did."""


class Maker:
    """A process of an environment's Python, as `maker.py` has it; started when it is first asked."""

    def __init__(self, environment: str, folder: Path) -> None:
        self._environment = environment
        self._log = folder / f"maker-{environment}.log"
        self._process: subprocess.Popen[str] | None = None

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Raises MakingFailed."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018
        process.stdin.write(json.dumps({"do": do, **request}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise MakingFailed(f"the environment's process died; see {self._log}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise MakingFailed(answer["failed"])
        return answer

    def close(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        command = [str(python_of(f"convert-{self._environment}")), "-m", "benchmarks.imports.maker", self._environment]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=_variables(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )


@dataclass(frozen=True)
class Start:
    """`seconds` from a new process to the end of its imports, the median of a few; the files are in memory."""

    imports: str
    seconds: float


def starts(environment: str) -> list[Start]:
    child = "aimass.sandbox.child"
    return [Start(names, _start(environment, names)) for names in (child, *_with(child, environment))]


def _with(child: str, environment: str) -> list[str]:
    return [f"{child}, {names}" for names in LIBRARIES[environment]]


def _start(environment: str, names: str) -> float:
    command = [str(python_of(f"convert-{environment}")), "-c", f"import {names}"]
    times = []
    for _ in range(_STARTS + 1):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=_variables(), cwd="/")
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:])


def installed_bytes(environment: str) -> int:
    """What its folder takes on disk."""
    folder = python_of(f"convert-{environment}").parents[1]
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def _variables() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return kept | _VARIABLES
