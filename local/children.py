"""Child processes that never outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
# MiniStack and boto3 read many more, which must not depend on who starts the stack.
INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")


def die_with_parent(parent: int) -> None:
    """Called first thing in a child: the kernel kills it when the process `parent` ends."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        os._exit(1)


def start_module(module: str, arguments: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
    """Runs `python -m module` in a session of its own, so that Ctrl-C reaches the launcher alone."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, "--parent", str(os.getpid()), *arguments],
            env={name: os.environ[name] for name in INHERITED if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop(child: subprocess.Popen[bytes], seconds: float) -> None:
    """SIGTERM, then SIGKILL for one that doesn't end in time."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
