"""The tools that a model's owner would reach for, with their defaults, on the same model and rows."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from onnxruntime.quantization import CalibrationDataReader, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from aimass.compression.contract import Rows
from aimass.compression.rows import Data
from benchmarks.compression.builds import BuildFailed, onnxsim_python

_CALIBRATION = 128
_PRUNED = 0.3
_LONGEST = 600  # seconds


class RivalFailed(Exception):
    """The tool did not make a model."""


def dynamic(model: Path, data: Data, target: Path) -> None:
    """`quantize_dynamic` with nothing said."""
    quantize_dynamic(model, target)


def static(model: Path, data: Data, target: Path) -> None:
    """`quantize_static` with nothing said, after the preprocessing that its documentation asks for."""
    model, target = model.resolve(), target.resolve()
    prepared = target.with_suffix(".prepared.onnx")
    with TemporaryDirectory() as scratch, chdir(scratch):  # it leaves files where it is called
        try:
            quant_pre_process(model, prepared)
        except Exception:  # symbolic shapes that it can't follow: its documentation says to leave them out then
            quant_pre_process(model, prepared, skip_symbolic_shape=True)
    quantize_static(prepared, target, _Calibration(data))
    prepared.unlink()


def pruned(model: Path, data: Data, target: Path) -> None:
    """onnxsim's structured pruning of 30 % of the channels."""
    script = (
        "import sys, onnx, onnxsim\n"
        f"model = onnxsim.apply_structured_pruning(onnx.load(sys.argv[1]), sparsity={_PRUNED})\n"
        "onnx.save(model, sys.argv[2])\n"
    )
    try:
        command = [str(onnxsim_python()), "-c", script, str(model), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST)
    except (BuildFailed, subprocess.TimeoutExpired) as error:
        raise RivalFailed(str(error)) from error
    if done.returncode:
        raise RivalFailed((done.stderr.strip().splitlines() or ["it died"])[-1])


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """The first rows that the compression gets too."""

    def __init__(self, data: Data) -> None:
        rows = Rows({name: array[:_CALIBRATION] for name, array in data.inputs.items()}, whole=data.whole)
        self._feeds: Iterator[Mapping[str, Any]] = iter(rows.feeds())

    def get_next(self) -> Mapping[str, Any] | None:
        return next(self._feeds, None)


RIVALS: Mapping[str, Callable[[Path, Data, Path], None]] = {
    "quantize_dynamic": dynamic,
    "quantize_static": static,
    "onnxsim pruned 30 %": pruned,
}


def made(name: str, model: Path, data: Data, folder: Path) -> Path:
    """The file that it wrote. Raises RivalFailed with what the tool says."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name.split()[0]}.onnx"
    target.unlink(missing_ok=True)
    try:
        RIVALS[name](model, data, target)
    except RivalFailed:
        raise
    except Exception as error:  # whatever a tool raises is its result
        raise RivalFailed(" ".join(f"{type(error).__name__}: {error}".split())[:200]) from error
    return target
