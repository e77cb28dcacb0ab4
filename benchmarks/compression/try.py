"""One model through every step of a compression, in one folder, without the cloud.

    python -m benchmarks.compression.try MODEL.onnx --data rows.npz --budget accuracy_drop=0.005 --objective size

Goes on where it was interrupted. Rows are arrays by the inputs' names, with `labels` beside them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from aimass.compression.plan import Wish
from aimass.compression.report.document import report_of
from aimass.compression.report.documents import documents_in
from aimass.compression.report.page import page_of
from aimass.compression.result import read, write
from aimass.compression.steps.folder import Asked, Folder
from aimass.compression.steps.run import run
from aimass.domain.errors import InvalidArguments
from benchmarks.compression.rows import prepare

_NONE = "-"


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    root = given.folder or Path("build/compression/try") / given.model.parent.name
    root.mkdir(parents=True, exist_ok=True)
    folder = Folder(root)
    shutil.copyfile(given.model, folder.original)
    methods = tuple(given.methods.split(",")) if given.methods else None
    try:
        asked = prepare(folder, given.data, given.budget, Wish(given.objective, methods), given.target)
    except InvalidArguments as error:
        print(error, file=sys.stderr)
        return 2
    start = time.perf_counter()
    chosen = run(folder, asked, lambda text: print(f"{time.perf_counter() - start:6.0f} s {text}", flush=True))
    print(table(folder, asked, chosen))
    report = report_of(documents_in(folder, {"name": given.model.parent.name}))
    write(root / "report.json", report)
    (root / "report.html").write_text(page_of(report), encoding="utf-8")
    print(f"\n{root / 'report.html'}")
    return 0


def table(folder: Folder, asked: Asked, chosen: dict[str, Any]) -> str:
    """Markdown: each candidate with its size, speed, what it loses, and the verdict."""
    metric = asked.budget.metric
    lines = [
        f"| candidate | MB | smaller | faster | {metric} lost: choosing | held out, at most | verdict |",
        "|" + " --- |" * 7,
    ]
    for name, verdict in chosen["verdicts"].items():
        lines.append(
            f"| {name} | {_figures(folder, name, metric, chosen)} | {verdict['verdict']}: {verdict['reason']} |"
        )
    left = (read(folder.planned) or {})["left_out"]
    lines += ["", *(f"- not tried: {name}: {reason}" for name, reason in sorted(left.items()))]
    return "\n".join([*lines, "", f"**{chosen['chosen'] or 'the original'}**: {chosen['reason']}"])


def _figures(folder: Folder, name: str, metric: str, chosen: dict[str, Any]) -> str:
    place, whole = folder.candidate(name), (read(folder.planned) or {})["original"]["size"]
    made, seen = read(place.compressed) or {}, read(place.evaluated) or {}
    if not made or made["refused"]:
        return " | ".join([_NONE] * 5)
    size = [f"{made['size'] / 1e6:.2f}", f"{whole / made['size']:.2f}"]
    if seen.get("failed", True):
        return " | ".join([*size, *[_NONE] * 3])
    asked = chosen["held_out"].get(name, {}).get("metrics", {}).get(metric)
    held = _NONE if asked is None else f"{_number(asked['loss']['estimate'])}, {_number(asked['loss']['upper'])}"
    faster = _NONE if seen["faster"] is None else f"{seen['faster']:.2f}"
    return " | ".join([*size, faster, _number(seen["metrics"][metric]["loss"]["estimate"]), held])


def _number(value: float | None) -> str:
    return "∞" if value is None else f"{value:.4f}"


def _budget(text: str) -> dict[str, float]:
    name, _, value = text.partition("=")
    return {name: float(value)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.compression.try", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--budget", type=_budget, help="accuracy_drop=0.005, agreement=0.99, ...")
    parser.add_argument("--objective", choices=("size", "latency", "balanced"), default="balanced")
    parser.add_argument("--methods", help="words, with commas between; left out: what the platform thinks best")
    parser.add_argument("--target", choices=("lambda-x86", "gpu"), default="lambda-x86")
    parser.add_argument("--folder", type=Path, help="where everything is kept, to go on from")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
