"""What one machine takes: starts, imports, memory, listing. `make bench`; writes `benchmarks/results/<date>-local.md`.

Times are of one run on the machine it names; a median says of how many.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import uvloop

from benchmarks.journal import measure
from benchmarks.models import one_file, tiny, with_external_data
from benchmarks.reach import TENANT, Reach
from benchmarks.stack import OwnStack, memory_mib
from local.aws import isolate

RESULTS = Path(__file__).with_name("results")
MB = 10**6
REST_SECONDS = 5.0
SAMPLE_SECONDS = 0.1
LISTED = (10, 1000, 100_000)
CALLS = 30
BATCH = 25
IMPORTS = {"10 MB": 10 * MB, "500 MB": 500 * MB, "2.3 GB, external data in a tar": 2300 * MB}


@dataclass
class Peak:
    """Of the whole stack while it was watched, in MiB: of one moment each."""

    anonymous: float = 0
    proportional: float = 0
    by_role: dict[str, float] = field(default_factory=dict)


class Bench:
    def __init__(self, stack: OwnStack, scratch: Path) -> None:
        self.stack = stack
        self.scratch = scratch
        self.lines: list[str] = []

    def run(self, largest: int) -> None:
        self._table("until it is on disk", "")
        for row in uvloop.run(measure(self.scratch / "journal")):
            self._row(*row)
        self._starts()
        self._table("import", "upload s", "import s", "peak anonymous MiB", "peak PSS MiB", "of it, anonymous")
        for name, size in IMPORTS.items():
            if size <= largest:
                self._import(name, size)
        self._listing()

    def say(self, line: str) -> None:
        print(line, flush=True)
        self.lines.append(line)

    def _table(self, *columns: str) -> None:
        self.say("")
        self._row(*columns)
        self._row(*("---" for _ in columns))

    def _row(self, *cells: str) -> None:
        self.say(f"| {' | '.join(cells)} |")

    def _starts(self) -> None:
        self._table("start", "s")
        self._row("first, of a new STATE", f"{self.stack.start():.1f}")
        self.stack.stop()
        self._row("second", f"{self.stack.start():.1f}")
        self.reach = Reach(self.stack)
        time.sleep(REST_SECONDS)
        anonymous, proportional = memory_mib(self._pids())
        self.say("")
        self.say(f"Memory at rest: {anonymous:.0f} MiB anonymous, {proportional:.0f} MiB PSS, {self._roles()}.")

    def _import(self, name: str, size: int) -> None:
        path = self.scratch / ("model.tar" if size > 2**31 else "model.onnx")
        if size > 2**31:
            with_external_data(size, 1, path)
        else:
            path.write_bytes(one_file(size, 1))
        with self._watched() as peak:
            begun = time.monotonic()
            job_id = self._upload(f"bench-{size}", path)
            uploaded = time.monotonic()
            self._await(job_id)
            imported = time.monotonic()
        path.unlink()
        roles = ", ".join(f"{role} {mib:.0f}" for role, mib in sorted(peak.by_role.items()))
        self._row(
            name,
            f"{uploaded - begun:.1f}",
            f"{imported - uploaded:.1f}",
            f"{peak.anonymous:.0f}",
            f"{peak.proportional:.0f}",
            roles,
        )

    def _upload(self, model: str, path: Path) -> str:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            announced = {"model": model, "filename": path.name, "size": path.stat().st_size, "sha256": sha256}
            upload = self.reach.call("POST", "/api/v1/uploads", json=announced).json()
            parts = []
            for part in upload["parts"]:
                file.seek((part["part_number"] - 1) * upload["part_size"])
                sent = requests.put(part["url"], data=file.read(part["size"]), timeout=600)
                sent.raise_for_status()
                parts.append({"part_number": part["part_number"], "etag": sent.headers["ETag"]})
        done = self.reach.call("POST", f"/api/v1/uploads/{upload['upload_id']}/complete", json={"parts": parts})
        done.raise_for_status()
        return str(done.json()["job_id"])

    def _await(self, job_id: str) -> None:
        while True:
            job = self.reach.call("GET", f"/api/v1/jobs/{job_id}").json()
            if job["state"] == "succeeded":
                return
            if job["state"] not in ("waiting", "running"):
                raise RuntimeError(f"the import ended as {job}")
            time.sleep(0.1)

    @contextmanager
    def _watched(self) -> Iterator[Peak]:
        peak, stopping = Peak(), threading.Event()

        def watch() -> None:
            while not stopping.wait(SAMPLE_SECONDS):
                by_role = {role: memory_mib([p.pid for p in group]) for role, group in self.stack.processes().items()}
                anonymous = sum(one for one, _ in by_role.values())
                if anonymous > peak.anonymous:
                    peak.anonymous, peak.by_role = anonymous, {role: one for role, (one, _) in by_role.items()}
                peak.proportional = max(peak.proportional, sum(one for _, one in by_role.values()))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield peak
        finally:
            stopping.set()
            watcher.join()

    def _listing(self) -> None:
        """Of one model, whose versions are copies of a real one, written to the table at once."""
        body = {"name": "listed"}
        accepted = self.reach.call("POST", "/upload", files={"model": ("m.onnx", tiny(1.0))}, data=body).json()
        self._await(accepted["job_id"])
        key = {"PK": {"S": f"T#{TENANT}"}, "SK": {"S": "VER#listed#000001"}}
        first = self.reach.dynamodb.get_item(TableName=self.reach.table, Key=key)["Item"]
        self.say("")
        self.say(f"Listing the first page, 100 versions at most; medians of {CALLS} calls, one after the other.")
        self._table("versions", "over HTTP, ms", "Query of that page's items, ms")
        there = 1
        for count in LISTED:
            self._add_versions(first, there + 1, count)
            there = count
            listed = _median(lambda: self.reach.call("GET", "/api/v1/models/listed/versions").json()["versions"])
            self._row(f"{count:,}", f"{listed:.1f}", f"{_median(self._query):.1f}")

    def _add_versions(self, item: dict[str, Any], first: int, last: int) -> None:
        for start in range(first, last + 1, BATCH):
            numbers = range(start, min(start + BATCH, last + 1))
            puts = [{"PutRequest": {"Item": {**item, **_numbered(number)}}} for number in numbers]
            self.reach.dynamodb.batch_write_item(RequestItems={self.reach.table: puts})

    def _query(self) -> Any:
        return self.reach.dynamodb.query(
            TableName=self.reach.table,
            KeyConditionExpression="PK = :pk AND begins_with(SK, :sk)",
            ExpressionAttributeValues={":pk": {"S": f"T#{TENANT}"}, ":sk": {"S": "VER#listed#"}},
            ScanIndexForward=False,
            Limit=100,
        )["Items"]

    def _pids(self) -> list[int]:
        return [process.pid for group in self.stack.processes().values() for process in group]

    def _roles(self) -> str:
        groups = self.stack.processes()
        sizes = {role: (len(group), memory_mib([p.pid for p in group])[0]) for role, group in sorted(groups.items())}
        return ", ".join(f"{count} {role} {mib:.0f}" for role, (count, mib) in sizes.items())


def _numbered(number: int) -> dict[str, Any]:
    return {"SK": {"S": f"VER#listed#{number:06}"}, "number": {"N": str(number)}}


def _median(ask: Any) -> float:
    """Milliseconds, after one call that isn't counted."""
    if not ask():
        raise RuntimeError("nothing is listed")
    times = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def _machine() -> str:
    described = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(": ")[1] for line in described if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, Python {platform.python_version()}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("--port", type=int, default=8094)
    parser.add_argument("--largest", type=int, default=max(IMPORTS.values()), help="bytes of the largest model")
    parser.add_argument("--folder", type=Path, default=None, help="where about 15 GB are free")
    options = parser.parse_args()
    isolate()
    scratch = Path(tempfile.mkdtemp(prefix="aimass-bench-", dir=options.folder))
    bench = Bench(OwnStack(scratch / "state", options.port), scratch)
    now = datetime.now(UTC)
    bench.say(f"# One machine, {now:%Y-%m-%d}")
    bench.say("")
    bench.say(f"{_machine()}. Memory is of all processes of the stack together: anonymous is what no file holds;")
    bench.say("PSS adds the files' pages that are mapped now, each counted once. Peaks are of samples 0.1 s apart.")
    try:
        bench.run(options.largest)
    finally:
        bench.stack.stop()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{now:%Y-%m-%d}-local.md").write_text("\n".join(bench.lines) + "\n")
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
