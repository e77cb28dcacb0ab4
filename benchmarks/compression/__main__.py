"""The platform's compression beside the tools' defaults, on models of each kind: `make bench-compression`.

Makes what is missing first: models, their rows, a rival's environment, all under `build/compression`. Writes
`benchmarks/results/compression-<date>.md` and `.json`; with --only nothing but `build/compression/last.*`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from aimass.compression.contract import NotApplicable
from aimass.compression.machine import machine
from aimass.compression.model_file import file_bytes
from aimass.compression.pack import packed_size
from aimass.compression.recipe import digest_of
from benchmarks.compression.builds import BUILD, BuildFailed, built
from benchmarks.compression.catalogue import Entry, chosen
from benchmarks.compression.models.built import DATA, MODEL, TEST
from benchmarks.compression.ours import Job, compress
from benchmarks.compression.outcome import Ours, Outcome, Rival
from benchmarks.compression.packages import ROOT, NotFetched
from benchmarks.compression.report import tables
from benchmarks.compression.rivals import RIVALS, RivalFailed, made
from benchmarks.compression.rows import data_in
from benchmarks.compression.scoring import Scorer

RESULTS = ROOT / "benchmarks" / "results"


def measured(entry: Entry) -> Outcome:
    """One model: its rivals, the platform's jobs, and all of them on the same test rows."""
    folder, about = built(entry)
    model, scratch = folder / MODEL, BUILD / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    scorer = Scorer(model, folder / TEST, entry.metric, scratch)
    rivals = [_rival(name, entry, scorer) for name in RIVALS]
    shutil.rmtree(BUILD / "jobs" / entry.name, ignore_errors=True)
    jobs: list[Job] = []
    ours: list[Ours] = []
    for budget in entry.budgets:
        jobs.append(compress(model, folder / DATA, budget, BUILD / "jobs" / entry.name))
        ours += _scored(jobs[-1], scorer, {one.digest: one for one in ours})
    scores = [*(one.score for one in ours), *(one.score for one in rivals if one.score)]
    p50 = min((one.original_cost.p50_ms for one in scores), default=None)
    packed = packed_size(model, scratch)
    return Outcome(entry, about, file_bytes(model), packed, scorer.original_value, p50, rivals, jobs, ours)


def _rival(name: str, entry: Entry, scorer: Scorer) -> Rival:
    folder = BUILD / "models" / entry.name
    try:
        model = folder / MODEL
        path = made(name, model, data_in(folder / DATA, model), BUILD / "rivals" / entry.name)
        return Rival(name, scorer.score(path))
    except (RivalFailed, NotApplicable) as error:
        return Rival(name, None, str(error))


def _scored(job: Job, scorer: Scorer, known: Mapping[str, Ours]) -> Iterator[Ours]:
    """At once, for the next job may write over what this one left; what an earlier one published is scored already."""
    for variant in job.variants:
        digest = digest_of(variant.path)
        again = known.get(digest)
        yield Ours(job, variant, again.score if again else scorer.score(variant.path), digest, again is not None)


def document(outcomes: Sequence[Outcome], minutes: float) -> list[str]:
    where = machine()
    return [
        f"# Compression beside the tools' defaults, {datetime.now(UTC):%Y-%m-%d}",
        "",
        f"{os.cpu_count()} cores ({where['processor']}), load average of the last 15 minutes {os.getloadavg()[2]:.1f};",
        f"{minutes:.0f} minutes in all.",
        "",
        "Everyone is judged on the same test rows, which nothing else has seen; lost is in points, with the upper",
        "bound of the paired interval (95 %). Faster: the least processor time of a call of one row, one thread, each",
        "model in turn with the original. Tools calibrate on 128 rows of those that the platform gets; the platform",
        "divides its rows into calibration, choosing and held-out, and promises the bound on the last. No training",
        "saw any of these rows. Bold is what the platform chose; other variants passed too. A second job of one model",
        "goes on from what the first left. Goals count sizes of files, as stored means packed, points by the estimate",
        "on test rows.",
        *tables(outcomes),
    ]


def _write(target: Path, outcomes: Sequence[Outcome], minutes: float) -> None:
    """After each model: an interrupted run leaves what it has."""
    found = {"machine": machine(), "models": [one.to_json() for one in outcomes]}
    target.with_name(f"{target.name}.md").write_text("\n".join(document(outcomes, minutes)) + "\n")
    target.with_name(f"{target.name}.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def _made(only: str, *, fresh: bool) -> list[Entry]:
    entries = chosen(only)
    for entry in entries:
        if fresh:
            shutil.rmtree(BUILD / "models" / entry.name, ignore_errors=True)
        built(entry)
    return entries


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compression", description=__doc__)
    parser.add_argument("--only", default="", help="beginnings of models' names, with commas")
    parser.add_argument("--build", action="store_true", help="make what is missing and stop")
    parser.add_argument("--fresh", action="store_true", help="make the models anew")
    options = parser.parse_args()
    start = time.perf_counter()
    try:
        entries = _made(options.only, fresh=options.fresh)
    except (ValueError, BuildFailed, NotFetched) as error:
        raise SystemExit(str(error)) from error
    if options.build:
        return 0
    target = BUILD / "last" if options.only else RESULTS / f"compression-{datetime.now(UTC):%Y-%m-%d}"
    outcomes: list[Outcome] = []
    for entry in entries:
        outcomes.append(measured(entry))
        _write(target, outcomes, (time.perf_counter() - start) / 60)
    print(target.with_name(f"{target.name}.md").read_text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
