"""Makes what is missing under `build/compression`: packages, models with their rows, the environment of a rival."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.compression.catalogue import Entry
from benchmarks.compression.models.built import ABOUT
from benchmarks.compression.packages import FASHION, PROMPTS, ROOT, SENTENCES, fetched

BUILD = ROOT / "build" / "compression"
_ONNXSIM = Path(__file__).with_name("onnxsim.lock")
_PACKAGES = {"pictures": FASHION, "sentences": SENTENCES, "recordings": PROMPTS, "words": SENTENCES}
_VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_NICE = "19"


class BuildFailed(RuntimeError):
    """Something that the benchmark needs could not be made."""


def built(entry: Entry, share: float = 1.0) -> tuple[Path, dict[str, Any]]:
    """The folder of a model with its rows, made if it is not there, and what its script says of it."""
    folder = BUILD / "models" / entry.name
    if not (folder / ABOUT).exists():
        if entry.module in _PACKAGES:
            fetched(_PACKAGES[entry.module])
        print(f"{entry.name}: making the model ...", flush=True)
        _make(entry, folder, share)
    about: dict[str, Any] = json.loads((folder / ABOUT).read_text())
    return folder, about


def _make(entry: Entry, folder: Path, share: float) -> None:
    command = [
        str(_python(entry.environment)),
        "-m",
        "benchmarks.compression.models",
        entry.module,
        entry.name,
        str(folder),
    ]
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    log = BUILD / f"{entry.name}.log"
    with log.open("wb") as file:
        nice = ["nice", "-n", _NICE, *command, "--share", str(share)]
        done = subprocess.run(nice, cwd=ROOT, env=kept | _VARIABLES, stdout=file, stderr=file)
    if done.returncode:
        raise BuildFailed(f"{entry.name} could not be made; see {log}")


def _python(environment: str | None) -> Path:
    """That of a converter's environment, which `make converters` makes, or this one."""
    python = Path(sys.prefix) / f"convert-{environment}" / "bin" / "python" if environment else Path(sys.executable)
    if not python.exists():
        raise BuildFailed(f"{python} is not there: make converters")
    return python


def onnxsim_python() -> Path:
    """The Python that has onnxsim, in an environment of its own, made from its lock. Raises BuildFailed."""
    folder, stamp = BUILD / "onnxsim", BUILD / "onnxsim.stamp"
    wanted = hashlib.sha256(_ONNXSIM.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        BUILD.mkdir(parents=True, exist_ok=True)
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _uv("pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(_ONNXSIM))
        stamp.write_text(wanted)
    return python


def _uv(*arguments: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run([str(uv), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise BuildFailed((done.stderr.strip().splitlines() or [f"uv ended with {done.returncode}"])[-1])
