"""Tasks that a test has the sandbox run."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from aimass.domain.errors import ExternalDataMissing


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields what the named behaviour gives."""
    result = _BEHAVIOURS[request["behaviour"]](request)
    yield from result if isinstance(result, Iterator) else ({"result": result},)


def _refuse(_: dict[str, Any]) -> None:
    raise ExternalDataMissing(f"{Path.cwd()}/w.bin is missing", file=f"{Path.cwd()}/w.bin", tensor="w")


def _refuse_as_told(request: dict[str, Any]) -> None:
    """Writes the end of an answer itself, as a model's own code can."""
    line = json.dumps({"error": {"code": "invalid_model", "message": "m", "details": {}} | request["error"]})
    os.write(int(sys.argv[2]), request.get("line", line).encode() + b"\n")
    os._exit(0)


def _refuse_at_length(_: dict[str, Any]) -> None:
    raise ExternalDataMissing("m" * 300_000, tensor="t" * 300_000, names=["n" * 10_000] * 100)


def _peek(_: dict[str, Any]) -> dict[str, str]:
    """What the parent's environment, memory and open files hold, or why they cannot be seen."""
    seen = {}
    for file in ("environ", "mem", "fd/0"):
        try:
            with open(f"/proc/{os.getppid()}/{file}", "rb") as held:
                seen[file] = held.read(1 << 20).decode(errors="replace") if file == "environ" else "open"
        except OSError as error:
            seen[file] = type(error).__name__
    return seen


def _print_noise(_: dict[str, Any]) -> str:
    print("{}\n" * 1000)
    os.write(1, b'{"answer": {"result": "forged"}}\n')
    os.write(2, b"warning\n" * 100_000)
    return "heard"


def _allocate(request: dict[str, Any]) -> int:
    return len(bytearray(request["bytes"]))


def _write(request: dict[str, Any]) -> None:
    with Path("large").open("wb") as file:
        try:
            file.write(bytes(request["bytes"]))
        except OSError as error:
            raise ExternalDataMissing(os.strerror(error.errno or 0)) from None


def _open_many(request: dict[str, Any]) -> int:
    held: list[int] = []
    try:
        while len(held) < request["files"]:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        return len(held)
    return len(held)


def _burn(_: dict[str, Any]) -> None:
    while True:
        pass


def _sleep(_: dict[str, Any]) -> None:
    if os.fork() == 0:
        Path("grandchild").write_text(str(os.getpid()))
    time.sleep(600)


def _answer_then_die(_: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"result": "early"}
    os.kill(os.getpid(), signal.SIGSEGV)


def _fail(_: dict[str, Any]) -> None:
    raise KeyError("a fault of ours")


def _alarm(request: dict[str, Any]) -> None:
    signal.setitimer(request["timer"], 0.05)
    _burn({})


_BEHAVIOURS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "alarm": _alarm,
    "allocate": _allocate,
    "answer then die": _answer_then_die,
    "burn": _burn,
    "die": lambda request: os.kill(os.getpid(), request["signal"]),
    "environment": lambda _: dict(os.environ),
    "fail": _fail,
    "import numpy": lambda _: __import__("numpy").__file__,
    "modules": lambda _: sorted(sys.modules),
    "noise": _print_noise,
    "open many": _open_many,
    "peek": _peek,
    "refuse": _refuse,
    "refuse as told": _refuse_as_told,
    "refuse at length": _refuse_at_length,
    "sleep": _sleep,
    "write": _write,
}
