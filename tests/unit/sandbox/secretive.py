"""A process with a secret in its environment, and what its sandboxed child sees of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from aimass.sandbox.limits import MIB, Limits
from aimass.sandbox.runner import run

LIMITS = Limits(seconds=20, memory_bytes=512 * MIB, file_bytes=MIB)

if __name__ == "__main__":
    request = {"behaviour": "peek"}
    answer = run("tests.unit.sandbox.misbehaving", request, folder=Path(sys.argv[1]), limits=LIMITS)
    json.dump(answer["result"], sys.stdout)
