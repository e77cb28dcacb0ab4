"""Jobs as plain processes, whose children may read what the tests bring."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.infra.test_gpu_batch import ROOT, ordered

STARTER = """
import sys
from dataclasses import replace
from aimass.sandbox import {step} as sandboxed
from jobs import job, {step}
sandboxed.TASK = {task!r}
strongest = job.isolation_in_force
job.isolation_in_force = lambda: replace(strongest(), {isolation})
sys.exit({step}.main())
"""


@pytest.fixture
def scratch():
    """A folder that another user may pass through, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o711)
        yield Path(made)


def start(s3, order, scratch, step, task, **isolation):
    """The process of `jobs.<step>`, with `task` as its child and what `isolation` changes of its moat."""
    changes = ", ".join(f"{name}={value!r}" for name, value in ({"readable": (str(ROOT),)} | isolation).items())
    program = STARTER.format(step=step, task=task, isolation=changes)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-c", program], env=ordered(s3, order, scratch), cwd=scratch, text=True, **pipes
    )
