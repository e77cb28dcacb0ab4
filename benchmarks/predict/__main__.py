"""Runs every server under every load and writes `benchmarks/results/<date>-predict.md`. `make bench-predict`."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import requests

from benchmarks.predict.environments import BUILD, ROOT
from benchmarks.predict.loads import LOADS, Load
from benchmarks.predict.measures import Cell, Measure, Measures
from benchmarks.predict.own_server import OwnServer
from benchmarks.predict.peer_servers import peer_servers
from benchmarks.predict.processes import cpu_seconds, pss_mib, wait_until_idle
from benchmarks.predict.raw import measure_raw
from benchmarks.predict.report import RAW, summary, tables
from benchmarks.predict.servers import Running, Server
from benchmarks.predict.wrk import CallsFailed, NoWrk, ask, find_wrk
from local.aws import isolate

Named = TypeVar("Named", Load, Server)
RESULTS = ROOT / "benchmarks" / "results"
CALLERS = (1, 16, 64)
SECONDS, QUICK_SECONDS, WARM_UP_SECONDS = 2, 1, 1
ROUNDS, LONGEST = 3, 5
RAW_THREADS = {f"{RAW}, 1 thread": 1, f"{RAW}, a thread a core": 0}


@dataclass(frozen=True)
class Bench:
    wrk: str
    seconds: int
    measures: Measures
    folder: Path

    def run(self, loads: list[Load], servers: list[Server]) -> None:
        rounds = [(load, server) for load in loads for server in servers if server.is_for(load)]
        for load in loads:
            self._measure_raw(load)
        for number, (load, server) in enumerate(rounds, 1):
            print(f"[{number}/{len(rounds)}] {load.name}, {server.name}", flush=True)
            self._measure(load, server)

    def _measure_raw(self, load: Load) -> None:
        for name, threads in RAW_THREADS.items():
            cell = Cell(load.name, name, 0)
            if not self._is_measured(cell):
                self.measures.note(cell, measure_raw(load, load.write_model(self.folder), threads, self.seconds))

    def _measure(self, load: Load, server: Server) -> None:
        missing = [cell for cell in self._cells(load, server) if not self._is_measured(cell)]
        if not missing:
            return
        try:
            running = server.start(load, load.write_model(self.folder))
            for cell in missing:
                measure = self._ask(running, load, cell.callers, self._long_enough(cell))
                self.measures.note(cell, measure)
                print(f"  with {cell.callers}: {_shown(measure)}", flush=True)
        except (RuntimeError, requests.RequestException, subprocess.SubprocessError) as error:
            print(f"  not measured: {error}", flush=True)
            self.measures.note(Cell(load.name, server.name, 0), str(error))
        finally:
            server.stop()

    def _long_enough(self, cell: Cell) -> int:
        """Seconds in which each caller is answered a few times, going by the speed with fewer callers: of a shorter
        run only the quickest answers would be seen."""
        before = [self.measures.outcomes.get(Cell(cell.load, cell.server, fewer)) for fewer in CALLERS]
        speeds = [one.calls_per_second for one in before if isinstance(one, Measure)]
        needed = ROUNDS * cell.callers / speeds[-1] if speeds else 0
        return min(max(self.seconds, math.ceil(needed)), LONGEST * self.seconds)

    def _ask(self, running: Running, load: Load, callers: int, seconds: int) -> Measure:
        """Waits for what the last calls left behind: wrk ends without waiting for its answers."""
        call = running.wire.call(load)
        if callers < max(CALLERS):
            with contextlib.suppress(CallsFailed):  # a slow one may answer nobody in so short a time
                ask(self.wrk, call, running.url, callers, WARM_UP_SECONDS, self.folder)
            wait_until_idle(running.pid)
        before = cpu_seconds(running.pid)
        try:
            answered = ask(self.wrk, call, running.url, callers, seconds, self.folder)
        except CallsFailed as error:
            raise CallsFailed(f"with {callers} callers, {error}") from error
        cpu, mib = cpu_seconds(running.pid) - before, pss_mib(running.pid)
        wait_until_idle(running.pid)
        speed = answered.calls / answered.seconds
        return Measure(speed, answered.p50_ms, answered.p99_ms, 1000 * cpu / answered.calls, mib)

    def _cells(self, load: Load, server: Server) -> Iterator[Cell]:
        return (Cell(load.name, server.name, callers) for callers in CALLERS)

    def _is_measured(self, cell: Cell) -> bool:
        return isinstance(self.measures.outcomes.get(cell), Measure)


def _shown(one: Measure) -> str:
    speed = f"{one.calls_per_second:,.1f} calls/s, {one.cpu_ms:.3g} ms of CPU a call"
    return f"{speed}; p50 {one.p50_ms:.2f}, p99 {one.p99_ms:.2f} ms"


def report(loads: list[Load], measures: Measures, seconds: int) -> list[str]:
    now = datetime.now(UTC)
    described = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(": ")[1] for line in described if line.startswith("model name")), platform.machine())
    head = [
        f"# Predictions over HTTP, {now:%Y-%m-%d}",
        "",
        f"{os.cpu_count()} cores ({cpu}), Python {platform.python_version()}, {seconds} s a cell; wrk ran on the same",
        "cores. Above 1, ours answers more calls a second; for p99, below 1 ours is the quicker.",
        "What each server is and how it was started: `benchmarks/predict/README.md`.",
    ]
    shown = measures.outcomes
    return [*head, *summary(loads, shown, CALLERS), *tables(loads, shown, CALLERS)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.predict", description=__doc__)
    parser.add_argument("--port", type=int, default=9320, help="the first of three that are free")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SECONDS} s a cell, and nothing is written")
    parser.add_argument("--only", default="", help="names of servers and loads, with commas; nothing is written")
    parser.add_argument("--fresh", action="store_true", help="measure again what an interrupted run has measured")
    options = parser.parse_args()
    try:
        wrk = find_wrk()
    except NoWrk as error:
        raise SystemExit(str(error)) from error
    # Either way past the `finally` that ends the server; servers get Ctrl-C too, which a shell's background ignores.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    isolate()
    seconds = QUICK_SECONDS if options.quick else SECONDS
    BUILD.mkdir(parents=True, exist_ok=True)
    measures = Measures(BUILD / f"measured-{seconds}s.jsonl")
    if options.fresh:
        measures.forget()
    elif measures.outcomes:
        print(f"going on after {len(measures.outcomes)} cells measured until {measures.since}; --fresh starts anew")
    with tempfile.TemporaryDirectory(prefix="aimass-bench-") as folder:
        own = [OwnServer(options.port, Path(folder) / "state", is_batching) for is_batching in (False, True)]
        servers: list[Server] = [*own, *peer_servers(options.port)]
        wanted = [name for name in options.only.lower().split(",") if name]
        strange = [name for name in wanted if not any(_begins(one, [name]) for one in [*LOADS, *servers])]
        if strange:
            raise SystemExit(f"no server or load begins with {', '.join(strange)}")
        loads, servers = _chosen(list(LOADS), wanted), _chosen(servers, wanted)
        Bench(wrk, seconds, measures, Path(folder)).run(loads, servers)
    lines = report(loads, measures, seconds)
    print("\n".join(lines))
    if not (wanted or options.quick):
        (RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-predict.md").write_text("\n".join(lines) + "\n")
    if not wanted:
        measures.forget()


def _chosen(all_of: list[Named], wanted: list[str]) -> list[Named]:
    """All, where none is wanted by name."""
    return [one for one in all_of if _begins(one, wanted)] or all_of


def _begins(one: Load | Server, wanted: list[str]) -> bool:
    return one.name.lower().startswith(tuple(wanted))


if __name__ == "__main__":
    main()
