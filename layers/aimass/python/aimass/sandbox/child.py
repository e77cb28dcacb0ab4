"""The sandboxed process: `python -m aimass.sandbox.child MODULE REPLY_FD PARENT_PID`, the request as JSON on stdin.

It answers in JSON lines on a descriptor of its own, so that what libraries print cannot garble an answer. Each answer
replaces the one before; an `error` ends it, a `phase` says how far it is. An isolated child sends an empty line first,
once its layers are closed.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from aimass.domain.refusals import ANSWERED_KINDS
from aimass.sandbox.confine import confine
from aimass.sandbox.limits import Limits
from aimass.sandbox.phase import tell_on


def main() -> int:
    """Runs the task that the command line names and returns the exit status."""
    task, reply, parent = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    document = json.load(sys.stdin)
    limits = Limits(**document["limits"])
    confine(limits, parent)
    tell_on(reply)
    try:
        if document["layers"]:
            layers = importlib.import_module("aimass.sandbox.isolation_layers")
            layers.isolate(document["layers"], Path.cwd(), document["readable"], limits, parent)
            os.write(reply, b"\n")  # whatever comes after this may be the model's doing
        for answer in importlib.import_module(task).run(document["request"]):
            _send(reply, {"answer": answer})
    except ANSWERED_KINDS as error:
        _send(reply, {"error": {"code": error.code, "message": error.message, "details": error.details}})
    except MemoryError:
        _send(reply, {"error": {"code": "model_out_of_memory"}})
    except OSError as error:
        if error.errno != errno.EFBIG:
            traceback.print_exc()
            return 1
        text = f"the model writes a file of more than {limits.file_bytes >> 20} MiB"
        _send(reply, {"error": {"code": "invalid_model", "message": text, "details": {}}})
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _send(reply: int, document: dict[str, Any]) -> None:
    line = json.dumps(document).encode() + b"\n"
    while line:
        line = line[os.write(reply, line) :]


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # Destructors of a half-built session have crashed after the answer was given; nothing is left to clean up.
    os._exit(status)
