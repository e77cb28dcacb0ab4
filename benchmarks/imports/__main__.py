"""Real models through the whole import, over HTTP: `make bench-imports`.

Writes `benchmarks/results/<date>-imports.md` and the table of docs/import.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import requests

from benchmarks.imports.catalogue import Entry, chosen
from benchmarks.imports.environments import LIBRARIES, ROOT, Maker, MakingFailed, installed_bytes, starts
from benchmarks.imports.models.plain import FILES
from benchmarks.imports.report import Outcome, environment_table, progress, short_table, tables
from benchmarks.imports.service import Service, Unanswered, packed
from benchmarks.stack import OwnStack
from local.aws import isolate
from local.converters import installed

RESULTS = ROOT / "benchmarks" / "results"
DOCUMENT, BEGIN, END = ROOT / "docs" / "import.md", "<!-- make bench-imports: begin -->", "<!-- end -->"


class Bench:
    """Imports one model after another; a model that fails is an outcome too."""

    def __init__(self, service: Service, scratch: Path) -> None:
        self._service = service
        self._scratch = scratch
        self._makers = {name: Maker(name, scratch) for name in LIBRARIES}

    def run(self, entries: list[Entry]) -> list[Outcome]:
        outcomes = []
        try:
            for number, entry in enumerate(entries, 1):
                print(f"[{number}/{len(entries)}] {entry.name}: ", end="", flush=True)
                outcomes.append(self._outcome(entry))
                print(progress(outcomes[-1]), flush=True)
        finally:
            for maker in self._makers.values():
                maker.close()
        return outcomes

    def _outcome(self, entry: Entry) -> Outcome:
        folder = self._scratch / entry.name
        folder.mkdir()
        outcome = Outcome(entry)
        try:
            made = self._make(entry, folder)
            file = packed(folder / "model", made["files"])
            job, seconds = self._service.import_model(entry.name, file, entry.accept_drift)
            outcome = replace(outcome, job=job, seconds=seconds)
            if job["error"]:
                return outcome
            outcome = replace(outcome, version=self._service.version(entry.name))
            return self._scored(outcome, folder, made) if outcome.ended == "ready" and "before" in made else outcome
        except (MakingFailed, Unanswered, requests.RequestException) as error:
            return replace(outcome, failed=str(error))
        finally:
            shutil.rmtree(folder)

    def _make(self, entry: Entry, folder: Path) -> dict:
        if entry.environment:
            arguments = {"arguments": dict(entry.arguments), "folder": str(folder), "sample": entry.sample}
            return self._makers[entry.environment].ask("make", name=entry.name, function=entry.function, **arguments)
        (folder / "model").mkdir()
        return {"files": [FILES[entry.function](folder / "model")]}

    def _scored(self, outcome: Outcome, folder: Path, made: dict) -> Outcome:
        with np.load(folder / "rows.npz") as rows:
            outputs = self._service.predict(outcome.entry.name, dict(rows))
        np.savez(folder / "outputs.npz", **outputs)
        score = {"path": str(folder / "outputs.npz"), "task": outcome.entry.task}
        told = self._makers[outcome.entry.environment].ask("score", name=outcome.entry.name, **score)
        return replace(outcome, before=made["before"], rows=made["rows"], after=told["after"], same=told["same"])


def report(outcomes: list[Outcome]) -> list[str]:
    isolation = next((one.version["conversion"]["isolation"] for one in outcomes if one.ended == "ready"), "")
    described = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(": ")[1] for line in described if line.startswith("model name")), platform.machine())
    head = [
        f"# Imported models, {datetime.now(UTC):%Y-%m-%d}",
        "",
        f"{os.cpu_count()} cores ({cpu}), Python {platform.python_version()}, Linux {platform.release()}.",
        f"Load average of the last 15 minutes: {os.getloadavg()[2]:.1f}. A conversion's process was {isolation}.",
        "",
        "Import: from the last byte of the upload until the job has ended, as seen every 0.05 s. Conversion and peak:",
        "of the process that opens the model. Difference and agreement: of the import's own replay. Own library and",
        "over HTTP: accuracy (R² for diabetes) on rows whose answers are known, by the library that saved the file and",
        "by predictions of the imported version. The rows were held out, but for the made-up tables, which were",
        "trained on them. Same answers: the share of those rows on which the two agree.",
    ]
    return [*head, *tables(outcomes)]


def environments() -> list[str]:
    sizes = {name: installed_bytes(name) for name in installed()}
    return [*environment_table(sizes, {name: starts(name) for name in sizes})]


def document(outcomes: list[Outcome], date: str) -> None:
    """Writes the short table into docs/import.md, between its marks."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    body = "\n".join(
        ["", f"Of {date} ([all columns](../benchmarks/results/{date}-imports.md)):", "", *short_table(outcomes), ""]
    )
    DOCUMENT.write_text(f"{before}{BEGIN}{body}{END}{after}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--port", type=int, default=9360, help="the first of two that are free")
    parser.add_argument("--only", default="", help="beginnings of models' names, with commas; nothing is written")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    isolate()
    try:
        entries = chosen(options.only)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    if missing := {one.environment for one in entries if one.environment} - set(installed()):
        raise SystemExit(f"not installed: {', '.join(sorted(missing))}; make converters")
    with tempfile.TemporaryDirectory(prefix="aimass-imports-") as folder:
        stack = OwnStack(Path(folder) / "state", options.port)
        try:
            stack.start()
            assert stack.facts is not None
            outcomes = Bench(Service(stack.facts.url), Path(folder)).run(entries)
        finally:
            stack.stop()
    lines = report(outcomes) + ([] if options.only else environments())
    print("\n".join(lines))
    if not options.only:
        date = f"{datetime.now(UTC):%Y-%m-%d}"
        (RESULTS / f"{date}-imports.md").write_text("\n".join(lines) + "\n")
        document(outcomes, date)
    return 0 if all(one.as_meant for one in outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main())
