"""Runs a job's command so that it ends when its parent does. Started by its path, by the job's own Python."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, *arguments = sys.argv[1:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != int(parent):
        os._exit(1)
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 the same Python, by its own path


if __name__ == "__main__":
    main()
