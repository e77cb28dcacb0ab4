"""The load generator: wrk, one thread, connections kept open, each asking again once it is answered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.predict.wires import Call

# wrk repeats a request that no script makes anew, so that the body is put together once.
SCRIPT = """
local file = io.open({body}, "rb")
wrk.method, wrk.body = "POST", file:read("*a")
file:close()
{headers}

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nMEASURED {{"calls": %d, "micros": %d, "p50": %d, "p99": %d, "failed": %d, "broken": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""
TIMEOUT_SECONDS = 60


class NoWrk(RuntimeError):
    """The tool isn't installed."""


class CallsFailed(RuntimeError):
    """Not every call was answered with success: the cell means nothing."""


@dataclass(frozen=True)
class Answered:
    calls: int
    seconds: float
    p50_ms: float
    p99_ms: float


def find_wrk() -> str:
    """Raises NoWrk."""
    found = os.environ.get("WRK") or shutil.which("wrk")
    if not found:
        raise NoWrk("wrk isn't on PATH: apt install wrk, or say where it is with WRK=/path/to/wrk")
    return found


def ask(wrk: str, call: Call, url: str, callers: int, seconds: float, folder: Path) -> Answered:
    """Raises CallsFailed."""
    body, script = folder / "body", folder / "calls.lua"
    body.write_bytes(call.body)
    script.write_text(script_text(body, call.headers))
    length = f"{max(1, round(seconds))}s"
    options = ["-t1", f"-c{callers}", f"-d{length}", "--timeout", f"{TIMEOUT_SECONDS}s", "-s", str(script)]
    done = subprocess.run([wrk, *options, url + call.path], capture_output=True, text=True, check=True)
    return parse(done.stdout)


def script_text(body: Path, headers: dict[str, str]) -> str:
    lines = [f"wrk.headers[{_quoted(name)}] = {_quoted(value)}" for name, value in headers.items()]
    return SCRIPT.format(body=_quoted(str(body)), headers="\n".join(lines))


def parse(output: str) -> Answered:
    """Raises CallsFailed where wrk counted an answer other than 2xx or 3xx, a broken connection, or no answer."""
    lines = [line for line in output.splitlines() if line.startswith("MEASURED ")]
    if not lines:
        raise CallsFailed(f"wrk said nothing of its calls: {output[-300:]}")
    found = json.loads(lines[-1].removeprefix("MEASURED "))
    if found["failed"] or found["broken"]:
        raise CallsFailed(f"{found['failed']} calls refused, {found['broken']} broken, of {found['calls']}")
    if not found["calls"]:
        raise CallsFailed("no call was answered in time")
    return Answered(found["calls"], found["micros"] / 1e6, found["p50"] / 1e3, found["p99"] / 1e3)


def _quoted(text: str) -> str:
    """JSON's quoting is Lua's for what a path or a header holds."""
    return json.dumps(text)
