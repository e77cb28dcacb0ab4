"""The steps of a compression, of which one does something else: what a stranger's model makes of its process."""

import os
import signal
import time
from pathlib import Path

from aimass.sandbox.tasks import compression


def run(request):
    if request["step"] == "compress" and not request["look"] and not request["died"]:
        if request["name"] == "pruned30":
            os.kill(os.getpid(), signal.SIGSEGV)
        if request["name"] == "pruned50":
            Path("sleeping").touch()
            time.sleep(600)
    yield from compression.run(request)
