"""Conversions in the environments that the jobs have: one process for each, asked line by line (`drive.py`)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: What jobs/convert.py gives its child, besides what it needs to find Python.
_VARIABLES = {
    "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "layers/aimass/python", ROOT))),
    "PYTHONDONTWRITEBYTECODE": "1",
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
    "HF_HUB_OFFLINE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
}

Convert = Callable[..., dict[str, Any]]


def pytest_configure(config: pytest.Config) -> None:
    """Named here, where it is used."""
    config.addinivalue_line("markers", "converters: in an environment that `make converters` makes")


class Environment:
    """A process of `.venv/convert-<name>`."""

    def __init__(self, python: Path, folder: Path) -> None:
        self._log = (folder / "stderr").open("wb")
        self._process = subprocess.Popen(
            [python, "-m", "tests.converters.drive"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "TMPDIR": str(folder), **_VARIABLES},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer of `drive.answer` to one request."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the environment's process died; see {self._log.name}"
        return json.loads(line)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()


def _started(name: str, factory: pytest.TempPathFactory) -> Iterator[Convert]:
    python = ROOT / ".venv" / f"convert-{name}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"the environment {name} is not here: make converters")
    environment = Environment(python, factory.mktemp(name))
    yield environment.ask
    environment.close()


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Convert]:
    """Asks the environment of scikit-learn, XGBoost, LightGBM and CatBoost."""
    yield from _started("trees", tmp_path_factory)


@pytest.fixture(scope="session")
def torch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Convert]:
    """Asks the environment of PyTorch and transformers."""
    yield from _started("torch", tmp_path_factory)


@pytest.fixture(scope="session")
def tensorflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Convert]:
    """Asks the environment of TensorFlow and Keras."""
    yield from _started("tensorflow", tmp_path_factory)
