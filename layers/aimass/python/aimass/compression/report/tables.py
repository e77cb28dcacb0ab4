"""The tables of the page, each with a caption, and heads that say whether they are of rows or columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aimass.compression.report.marks import small
from aimass.compression.report.markup import Child, Html, element, joined, name
from aimass.compression.report.words import (
    NONE,
    allowed,
    bound,
    lost,
    megabytes,
    metric_name,
    milliseconds,
    number,
    percent,
    score,
    times,
    what_is_lost,
)

Report = Mapping[str, Any]
_MOST = 60  # candidates
_COLUMNS = 5  # beside the original
_SUB, _FASTER = "… times smaller", "… times faster"
# What the numbers beside it say already is not said again.
_WHY = {
    "chosen": "the best, by what was asked for, of those that held-out rows prove to be within the budget.",
    "passed": "held-out rows prove that it is within the budget too.",
}
_UNLABELLED = ("agreement", "divergence")


def table(caption: str, heads: Sequence[Child], rows: Iterable[Sequence[Child]], kinds: str, kind: str = "") -> Html:
    """The first cell of a row is its head. `kinds` has a letter for each column: `n` for numbers, `t` for text."""
    classes = {"n": "number", "t": None}
    top = (element("th", head, scope="col", class_=classes[kinds[at]]) for at, head in enumerate(heads))
    body = (_row(cells, [classes[one] for one in kinds]) for cells in rows)
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", *top)),
            element("tbody", *body),
            class_=kind or None,
        ),
        class_="wide",
    )


def _row(cells: Sequence[Child], classes: Sequence[str | None]) -> Html:
    first, *others = cells
    head = element("th", first, scope="row", class_=classes[0])
    return element("tr", head, *(element("td", cell, class_=classes[at]) for at, cell in enumerate(others, 1)))


def side_by_side(report: Report) -> Html:
    """The original and what may answer in its place; where there is nothing, the candidates that came nearest."""
    kept = [one for one in report["candidates"] if one["verdict"] in ("chosen", "passed")]
    shown = (kept or [one for one in report["candidates"] if one["cost"]])[:_COLUMNS]
    caption = "The original and its variants" if kept else "The original and candidates that were measured"
    heads = ["", "Original", *(_head(one) for one in shown)]
    rows = [row for row in _measures(report, shown) if any(cell != NONE for cell in row[1:])]
    best = " best" if kept and kept[0]["verdict"] == "chosen" else ""
    return table(caption, heads, rows, "t" + "n" * (len(shown) + 1), f"beside{best}")


def _head(one: Report) -> Html:
    return joined(small(one["verdict"]), " ", name(one["name"], 40), element("small", one["verdict"]))


def _measures(report: Report, shown: Sequence[Report]) -> list[list[Child]]:
    original = report["original"]

    def sizes(title: str, key: str) -> list[Child]:
        values = [one[key] for one in (original, *shown)]
        return [title, *(megabytes(value, original[key]) for value in values)]

    def costs(title: str, key: str) -> list[Child]:
        values = [(one["cost"] or {}).get(key) for one in (original, *shown)]
        most = max((value for value in values if value is not None), default=None)
        return [title, *(milliseconds(value, most) for value in values)]

    held = [(one["cost"] or {}).get("memory_bytes") for one in (original, *shown)]
    return [
        sizes("File, MB", "size"),
        [_SUB, NONE, *(times(one["smaller"]) for one in shown)],
        sizes("Stored, packed, MB", "packed"),
        costs("Prediction, median, ms", "p50_ms"),
        costs("Prediction, 99th percentile, ms", "p99_ms"),
        costs("Prediction, least, ms", "best_ms"),
        [_FASTER, NONE, *(times(one["faster"]) for one in shown)],
        costs("Load, ms", "load_ms"),
        ["Memory at most, MB", *(NONE if one is None else number(one / 1e6, 1) for one in held)],
        *_scores(report, shown, report["budget"]["metric"]),
    ]


def _scores(report: Report, shown: Sequence[Report], metric: str) -> list[list[Child]]:
    """The budget's own metric first, then what is known without labels."""
    judged = [(one["held_out"] or one["choosing"] or {"metrics": {}})["metrics"] for one in shown]
    rows: list[list[Child]] = []
    for each in sorted(report["original"]["metrics"], key=lambda one: (one != metric, one not in _UNLABELLED, one)):
        found = [metrics.get(each) or {"candidate": None, "loss": None} for metrics in judged]
        whole = report["original"]["metrics"][each]
        if whole is not None:
            title = metric_name(each)[:1].upper() + metric_name(each)[1:]
            rows.append([title, score(each, whole), *(score(each, it["candidate"]) for it in found)])
        if each == metric or each in _UNLABELLED:
            losses = [it["loss"] or {"estimate": None, "upper": None} for it in found]
            rows.append([what_is_lost(each), NONE, *(lost(each, it["estimate"]) for it in losses)])
            most = report["budget"]["most"] if each == metric else math.inf
            title = f"… at most (allowed: {allowed(each, most)})" if each == metric else "… at most"
            rows.append([title, NONE, *(bound(each, it["upper"], most) for it in losses)])
    return rows


def candidates(report: Report) -> Html:
    metric, each = report["budget"]["metric"], percent(report["budget"]["confidence_each"])
    heads = ["Candidate", "MB", "Smaller", "Faster", "Lost: choosing rows", "Lost at most: held-out rows", "Verdict"]
    rows = [_candidate(one, metric, report["budget"]["most"]) for one in report["candidates"][:_MOST]]
    caption = f"The best first. Lost is: {what_is_lost(metric)}; at most, with {each} confidence each."
    return table(caption, heads, rows, "tnnnnnt", "all")


def _candidate(one: Report, metric: str, most: float) -> list[Child]:
    parts = ((one[part] or {"metrics": {}})["metrics"] for part in ("choosing", "held_out"))
    first, proven = (metrics.get(metric, {}).get("loss") or {} for metrics in parts)
    bounds = [lost(metric, first.get("estimate")), bound(metric, proven.get("upper"), most)]
    why = _WHY.get(one["verdict"], one["reason"])
    verdict = joined(element("strong", one["verdict"]), ": ", why, *_repaired(one))
    named = joined(f"{one['number']} ", small(one["verdict"]), " ", name(one["name"], 40))
    return [named, megabytes(one["size"]), times(one["smaller"]), times(one["faster"]), *bounds, verdict]


def _repaired(one: Report) -> list[Child]:
    repair = one["repair"]
    if repair is None:
        return []
    if "of" not in repair:
        return [f" A repair was tried: {repair['refused']}"]
    count = len(repair["spared"])
    return [" Made by the repair of ", name(repair["of"], 40), f": {count} layer{'s'[: count != 1]} spared."]


def not_tried(report: Report) -> Html:
    rows = [[name(one["name"], 60), one["reason"]] for one in report["not_tried"][:_MOST]]
    return table("What was not tried, and why", ["Pass or recipe", "Reason"], rows, "tt")


def layers(stage: Report, most: int) -> Html:
    """What one stage did; at most so many rows."""
    options = ", ".join(f"{key} {value}" for key, value in stage["options"].items())
    title = f"{stage['pass']}{f' ({options})' if options else ''}: {megabytes(stage['size'])} MB after it"
    rows = [[name(one["name"]), _cut(one["got"]), _share(one["share"])] for one in stage["layers"][:most]]
    left = len(stage["layers"]) - len(rows) + stage["layers_left_out"]
    notes = [element("p", note, class_="note") for note in stage["notes"][:10]]
    more = element("p", f"{left:,} more layers are in the JSON report.", class_="note") if left else None
    body = (
        table(title, ["Layer", "What it got", "Share of the file, %"], rows, "ttn", "layers")
        if rows
        else element("h3", title)
    )
    return joined(body, *notes, more)


def _cut(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:159]}…"


def _share(share: float | None) -> str:
    return NONE if share is None else number(100 * share, 1)
