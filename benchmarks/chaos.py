"""Kills the whole stack at random moments, and looks whether what it acknowledged is there after the restart.

`make chaos KILLS=120 SEED=1`; exits 1 if anything was lost or contradicts itself. The stack and its state are its own.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.consistency import contradictions
from benchmarks.facts import Ledger
from benchmarks.reach import Reach
from benchmarks.stack import OwnStack
from benchmarks.workload import Worker
from local.aws import isolate

CLIENTS = 3
LONGEST_WORK_SECONDS = 2.5
LONGEST_START_SECONDS = 2.5
IN_START = 0.15  # of the kills
OLD_FACTS = 60  # looked at again after each kill; at the end, all
# What is killed, and how often: the launcher alone, all processes at once, or one part, which ends the launcher.
TARGETS = {"launcher": 5, "all": 3, "local.aws_services": 1, "local.server": 1}


@dataclass
class Chaos:
    stack: OwnStack
    random: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    lost: list[str] = field(default_factory=list)
    inconsistent: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    starts: list[float] = field(default_factory=list)
    printed: tuple[int, int] = (0, 0)

    def run(self, kills: int) -> None:
        print(f"first start {self.stack.start():.1f} s", flush=True)
        self.reach = Reach(self.stack)
        seeds = [self.random.randrange(2**32) for _ in range(CLIENTS)]
        workers = [Worker(f"c{n}", seed, self.ledger, lambda: self.reach) for n, seed in enumerate(seeds)]
        while self.kills.total() < kills:
            self._work_until_killed(workers)
            if self.random.random() < IN_START and self.kills.total() < kills:
                self._kill_in_start()
            self.starts.append(self.stack.start())
            self.reach = Reach(self.stack)
            self._look()
            self._print_new()
            print(
                f"{self.kills.total()} kills: {self.ledger.acknowledged} acknowledged, {len(self.lost)} lost,"
                f" {len(self.inconsistent)} inconsistent",
                flush=True,
            )
        self.inconsistent += contradictions(self.reach)
        self.lost += self.ledger.check(lambda facts: facts)
        self.stack.stop()

    def _print_new(self) -> None:
        for line in self.lost[self.printed[0] :] + self.inconsistent[self.printed[1] :]:
            print(f"  {line}", flush=True)
        self.printed = len(self.lost), len(self.inconsistent)

    def _work_until_killed(self, workers: list[Worker]) -> None:
        stopping = threading.Event()
        threads = [threading.Thread(target=worker.run, args=(stopping,), daemon=True) for worker in workers]
        for thread in threads:
            thread.start()
        time.sleep(self.random.uniform(0.1, LONGEST_WORK_SECONDS))
        self._kill(self.random.choices(list(TARGETS), list(TARGETS.values()))[0])
        stopping.set()
        for thread in threads:
            thread.join(90)

    def _kill_in_start(self) -> None:
        self.stack.spawn()
        time.sleep(self.random.uniform(0.05, LONGEST_START_SECONDS))
        self._kill("all" if self.random.random() < 0.5 else "launcher", moment="in its start")

    def _kill(self, target: str, moment: str = "at work") -> None:
        processes = self.stack.processes()
        everyone = [process for group in processes.values() for process in group]
        self.stack.kill(everyone if target == "all" else processes.get(target, processes["launcher"]))
        self.kills[f"{target} {moment}"] += 1
        left = self.stack.leftovers(everyone)
        if left:
            self.inconsistent.append(f"processes {left} outlive the {target}")
        if not self.stack.port_is_free():
            self.inconsistent.append(f"port {self.stack.port} stays taken after the {target}")

    def _look(self) -> None:
        self.inconsistent += contradictions(self.reach)
        self.lost += self.ledger.check(lambda facts: self.random.sample(facts, min(OLD_FACTS, len(facts))))

    def report(self) -> str:
        starts = sorted(self.starts)
        kinds, acknowledged = (
            "\n".join(f"  {count:6} {kind}" for kind, count in sorted(counted.items()))
            for counted in (self.kills, self.ledger.kinds)
        )
        return (
            f"kills         {self.kills.total()}\n{kinds}\n"
            f"acknowledged  {self.ledger.acknowledged}\n{acknowledged}\n"
            f"found         {self.ledger.acknowledged - len(self.lost)}\n"
            f"lost          {len(self.lost)}\n"
            f"inconsistent  {len(self.inconsistent)}\n"
            f"restart       {starts[len(starts) // 2]:.1f} s at the median, {starts[-1]:.1f} s at most"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--state", type=Path, default=None, help="kept at the end; by default a folder that is not")
    options = parser.parse_args()
    isolate()
    seed = time.time_ns() % 2**32 if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    state = options.state or Path(tempfile.mkdtemp(prefix="aimass-chaos-"))
    chaos = Chaos(OwnStack(state.absolute(), options.port), random.Random(seed))  # noqa: S311 - when, not a secret
    try:
        chaos.run(options.kills)
    finally:
        chaos.stack.stop()
    print("\n".join([*chaos.lost, *chaos.inconsistent, chaos.report()]))
    if options.state is None and not (chaos.lost or chaos.inconsistent):
        shutil.rmtree(state)
    sys.exit(bool(chaos.lost or chaos.inconsistent))


if __name__ == "__main__":
    main()
