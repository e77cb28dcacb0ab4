"""Answers in eight bits are the same on processors with and without VNNI: on this one, and on one that has none.

Wants an x86 machine and `qemu-x86_64-static` (Debian: qemu-user-static), which runs Python as a Haswell would.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimass.compression.contract import Rows
from aimass.compression.passes import int8_dynamic, int8_static
from tests.unit.compression.quantizing import images, words, work

QEMU = shutil.which("qemu-x86_64-static")
SECONDS = 300
ANSWERS = """
import sys
import numpy as np
import onnxruntime as ort
options = ort.SessionOptions()
options.intra_op_num_threads = 1
model = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
np.save(sys.argv[3], model.run(None, dict(np.load(sys.argv[2])))[0])
"""

pytestmark = pytest.mark.skipif(
    QEMU is None or platform.machine() != "x86_64", reason="wants qemu-user-static on an x86 machine"
)


@pytest.mark.parametrize("per_channel", [True, False])
def test_static_answers_are_the_same_with_and_without_vnni(tmp_path: Path, per_channel: bool) -> None:
    made, rows = images()
    done = work(tmp_path, made, rows)
    int8_static.PASS.apply(done, {"per_channel": per_channel, "ranges": "minmax"})
    _same(tmp_path, done.target, rows)


def test_dynamic_answers_are_the_same_with_and_without_vnni(tmp_path: Path) -> None:
    made, rows = words()
    done = work(tmp_path, made, rows)
    int8_dynamic.PASS.apply(done, {})
    _same(tmp_path, done.target, rows)


def _same(folder: Path, model: Path, rows: Rows) -> None:
    """To rounding of what stays in floats; saturated sums would be off by tenths."""
    np.savez(folder / "rows.npz", **rows.inputs)
    here, there = (_answers(folder, model, before) for before in ((), (str(QEMU), "-cpu", "Haswell-noTSX")))
    np.testing.assert_allclose(there, here, atol=1e-3 * float(np.abs(here).max()))


def _answers(folder: Path, model: Path, before: tuple[str, ...]) -> Any:
    """The interpreter itself is run, which finds the environment's packages by their paths."""
    script, target = folder / "answers.py", folder / "answers.npy"
    script.write_text(ANSWERS)
    command = [*before, os.path.realpath(sys.executable), script, model, folder / "rows.npz", target]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, json.dumps(done.stderr.decode()[-2_000:])
    return np.load(target)
