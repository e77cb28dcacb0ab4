"""A task that says how far it is."""

import os
import time
from pathlib import Path

from aimass.sandbox.phase import tell


def run(request):
    if request.get("then fills"):
        fill()
    tell("opening")
    tell("replaying")
    yield {"told": 2}


def fill():
    """More than the folder may hold, once it was said that a phase began."""
    Path("child").write_text(str(os.getpid()))
    tell("opening")
    for number in range(3):
        Path(f"{number}.bin").write_bytes(bytes(1 << 19))
    time.sleep(40)
