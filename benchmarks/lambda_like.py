"""Through AWS's own runtime client: what a cold start takes, and a warm call over the runtime alone.

python -m benchmarks.lambda_like [--starts 11] [--calls 2000] [--port 9400] [--tree another checkout]
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import requests

from benchmarks.coldstart.place import MEASURED, Deployed, authorizer_event, new_key, predict_event
from benchmarks.coldstart.runtime_api import Place, Process
from benchmarks.predict import graphs
from benchmarks.reach import Reach, digest
from benchmarks.stack import OwnStack
from local.aws import isolate

RESULTS = Path(__file__).with_name("results")
IMPORT_SECONDS = 120
CALLS_AT_ONCE = 100  # within one invocation, which has 29 s
APART = ("registry reads", "artifact fetch")
IMAGE = np.random.default_rng(3).random((1, 1, 28, 28)).astype(np.float32)
IDS = np.random.default_rng(3).integers(1, graphs.VOCABULARY, (1, graphs.SEQUENCE))
TOKENS = {"input_ids": IDS, "attention_mask": np.ones_like(IDS), "token_type_ids": np.zeros_like(IDS)}
LOADS: dict[str, tuple[str, dict[str, Any]]] = {
    "cnn": ("CNN on 1x28x28, JSON", {"x": IMAGE}),
    "encoder": ("sentence encoder, 1x32 tokens, JSON", TOKENS),
}
Row = dict[str, float]


class LambdaLike:
    def __init__(self, stack: OwnStack, scratch: Path, tree: Path | None) -> None:
        self.stack = stack
        self.scratch = scratch
        self.tree = tree
        self.lines: list[str] = []

    def say(self, line: str = "") -> None:
        self.lines.append(line)
        print(line, flush=True)

    def run(self, starts: int, calls: int) -> None:
        self.stack.start()
        self.reach = Reach(self.stack)
        self.cnn = self.scratch / "cnn.onnx"
        self.cnn.write_bytes(graphs.small_cnn())
        self._upload("cnn", self.cnn.read_bytes())
        self._upload("encoder", graphs.encoder())
        self.deployed = Deployed(self.stack, self.scratch, self.tree)
        self.predict = self.deployed.place("predict-small")
        self.event = predict_event("cnn", IMAGE.tolist())
        self._cold(starts)
        self._authorizer(starts)
        self._warm(calls)

    def _upload(self, name: str, model: bytes) -> None:
        announced = {"model": name, "filename": "model.onnx", "size": len(model), "sha256": digest(model)}
        upload = self.reach.call("POST", "/api/v1/uploads", json=announced).json()
        parts = []
        for part in upload["parts"]:
            first = (part["part_number"] - 1) * upload["part_size"]
            sent = requests.put(part["url"], data=model[first : first + part["size"]], timeout=60)
            sent.raise_for_status()
            parts.append({"part_number": part["part_number"], "etag": sent.headers["ETag"]})
        done = self.reach.call("POST", f"/api/v1/uploads/{upload['upload_id']}/complete", json={"parts": parts}).json()
        until = time.monotonic() + IMPORT_SECONDS
        while (job := self.reach.call("GET", f"/api/v1/jobs/{done['job_id']}").json())["state"] != "succeeded":
            if job["state"] not in ("waiting", "running") or time.monotonic() > until:
                raise RuntimeError(f"the import of {name} ended as {job}")
            time.sleep(0.1)

    def _cold(self, starts: int) -> None:
        ours, bare, phases = [], [], []
        for _ in range(starts + 1):  # the first of each fills the page cache and is not counted
            ours.append(self._first_call(self.predict, self.event))
            bare.append(self._bare())
            phases.append(self._phases())
        cold, alone, parts = _medians(ours[1:]), _medians(bare[1:]), _medians(phases[1:])
        self.say(f"## Cold: from a new process to its first answer, medians of {starts} starts in turn, ms")
        self.say()
        self._table("", "process start", "init", "first call", "whole")
        cpu = parts.pop("cpu")
        start = parts["interpreter, awslambdaric"]
        self._row("predict, small CNN as JSON", *_ms(start, cold["ready"] - start, cold["call"], cold["whole"]))
        self._row(
            "bare process: import, session, run", *_ms(alone["start"], alone["import"], alone["run"], alone["whole"])
        )
        apart = sum(parts.get(name, 0.0) for name in APART)
        work = alone["whole"] - alone["start"]
        self.say()
        self.say(f"- ratio, whole over whole: **{cold['whole'] / alone['whole']:.2f}**")
        self.say(
            f"- ratio without registry reads and the artifact's fetch ({apart * 1000:.1f} ms, reported apart): "
            f"**{(cold['whole'] - apart) / alone['whole']:.2f}**"
        )
        self.say(
            f"- ratio of init and first call, processes' own starts left out: {(cold['whole'] - start) / work:.2f}"
        )
        self.say(
            f"- ratio of the processors' time, which other work on the machine changes less: "
            f"{cpu / alone['cpu']:.2f} ({cpu * 1000:.0f} ms, of them some the tracer's, over {alone['cpu'] * 1000:.0f})"
        )
        self.say()
        self.say("Where the first answer's time goes (starts of their own, with a tracer that costs some ms); each")
        self.say("moment is counted once.")
        self.say()
        self._table("phase", "ms")
        for name, seconds in sorted(parts.items(), key=lambda part: -part[1]):
            if seconds >= 0.00005:
                self._row(name, *_ms(seconds))
        self.say()

    def _first_call(self, place: Place, event: dict[str, Any]) -> Row:
        self.deployed.forget_models()
        process = Process(place, self.scratch / "functions.log")
        try:
            ready = process.wait_until_ready()
            asked, answered, answer = process.call(event)
        finally:
            process.stop()
        if answer.get("statusCode", 200) != 200 or answer.get("isAuthorized") is False:
            raise RuntimeError(f"the function answered {answer}")
        start = process.spawned
        return {"ready": ready - start, "call": answered - asked, "whole": ready - start + answered - asked}

    def _bare(self) -> Row:
        environment = {name: self.predict.environment[name] for name in ("PATH", "LANG")}
        environment["ORT_DISABLE_TELEMETRY"] = "1"  # as here; without it the bare process is slower
        command = [sys.executable, "-P", str(MEASURED / "bare.py"), str(self.cnn)]
        spawned = time.time()
        told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()
        began, imported, _, ended, cpu = map(float, told)
        return {
            "start": began - spawned,
            "import": imported - began,
            "run": ended - imported,
            "whole": ended - spawned,
            "cpu": cpu,
        }

    def _phases(self) -> Row:
        self.deployed.forget_models()
        process = Process(self.deployed.measured(self.predict, "traced"), self.scratch / "functions.log")
        try:
            process.wait_until_ready()
            _, _, told = process.call(self.event)
        finally:
            process.stop()
        if told["answer"]["statusCode"] != 200:
            raise RuntimeError(f"the function answered {told['answer']}")
        seconds: Row = told["seconds"] | {"cpu": told["cpu"]}
        return seconds

    def _authorizer(self, starts: int) -> None:
        place, event = self.deployed.place("authorize"), authorizer_event(new_key(self.stack.state))
        cold = _medians([self._first_call(place, event) for _ in range(starts + 1)][1:])
        process = Process(place, self.scratch / "functions.log")
        try:
            process.wait_until_ready()
            times = [answered - asked for asked, answered, _ in (process.call(event) for _ in range(200))]
        finally:
            process.stop()
        self.say("## The authorizer, reported apart (the gateway remembers its answer for 60 s)")
        self.say()
        self._table("", "init, ms", "first call, ms", "warm call, ms")
        self._row("authorize", *_ms(cold["ready"], cold["call"], statistics.median(times[20:])))
        self.say()

    def _warm(self, calls: int) -> None:
        self.say(f"## Warm: the handler, event in and answer out, over `session.run` alone; {calls} calls each")
        self.say()
        self._table("", "handler, µs", "p99", "run, µs", "p99", "over it, µs", "over it, %")
        for model, (title, inputs) in LOADS.items():
            told = self._repeat(model, inputs, calls)
            handled, raw = (1e6 * statistics.median(told[kind]) for kind in ("handler", "run"))
            slow, slow_raw = (1e6 * np.percentile(told[kind], 99) for kind in ("handler", "run"))
            over = handled - raw
            cells = [f"{value:,.0f}" for value in (handled, slow, raw, slow_raw, over)]
            self._row(title, *cells, f"{100 * over / raw:.1f}")
        self.say()

    def _repeat(self, model: str, inputs: dict[str, Any], calls: int) -> dict[str, list[float]]:
        lists = {name: array.tolist() for name, array in inputs.items()}
        event = predict_event(model, lists if len(lists) > 1 else next(iter(lists.values())))
        arrays = {name: {"dtype": str(array.dtype), "data": array.tolist()} for name, array in inputs.items()}
        process = Process(self.deployed.measured(self.predict, "repeated"), self.scratch / "functions.log")
        try:
            process.wait_until_ready()
            seconds: dict[str, list[float]] = {"handler": [], "run": []}
            while len(seconds["run"]) < calls:
                _, _, told = process.call({"event": event, "inputs": arrays, "calls": CALLS_AT_ONCE})
                for kind, measured in seconds.items():
                    measured += told[kind]
        finally:
            process.stop()
        return seconds

    def _table(self, *names: str) -> None:
        self._row(*names)
        self._row(*("---" for _ in names))

    def _row(self, *cells: str) -> None:
        self.say(f"| {' | '.join(cells)} |")


def _medians(rows: Iterable[Row]) -> Row:
    listed = list(rows)
    names = {name for row in listed for name in row}
    return {name: statistics.median(row.get(name, 0.0) for row in listed) for name in names}


def _ms(*seconds: float) -> list[str]:
    return [f"{1000 * one:.1f}" for one in seconds]


def _machine() -> str:
    described = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(": ")[1] for line in described if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores ({cpu}), load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"


def _removed_after(folder: Path, work: Callable[[], None], stack: OwnStack) -> None:
    try:
        work()
    finally:
        stack.stop()
    shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lambda_like", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8095)
    parser.add_argument("--starts", type=int, default=11)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--tree", type=Path, default=None, help="another checkout, measured in place of this one")
    options = parser.parse_args()
    isolate()
    scratch = Path(tempfile.mkdtemp(prefix="aimass-lambda-"))
    measured = LambdaLike(OwnStack(scratch / "state", options.port), scratch, options.tree)
    now = datetime.now(UTC)
    measured.say(f"# Lambda-like, {now:%Y-%m-%d}")
    measured.say()
    measured.say(f"{_machine()}. Real handlers in awslambdaric, their AWS services those of a local stack.")
    measured.say()
    _removed_after(scratch, lambda: measured.run(options.starts, options.calls), measured.stack)
    if options.tree is None:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{now:%Y-%m-%d}-lambda.md").write_text("\n".join(measured.lines) + "\n")


if __name__ == "__main__":
    main()
