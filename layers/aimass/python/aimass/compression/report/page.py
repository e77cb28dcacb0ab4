"""The report as one page: no script, nothing fetched, at most 1 MB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.compression import wording
from aimass.compression.report.intervals import intervals
from aimass.compression.report.marks import legend
from aimass.compression.report.markup import Html, element, joined, name, shown
from aimass.compression.report.measured import measured
from aimass.compression.report.pareto import pareto
from aimass.compression.report.style import CSS
from aimass.compression.report.tables import candidates, layers, not_tried, side_by_side
from aimass.compression.report.words import (
    allowed,
    bound,
    lost,
    megabytes,
    metric_name,
    milliseconds,
    percent,
    score,
    what_is_lost,
)

Report = Mapping[str, Any]
MOST_BYTES = 1_000_000
_LAYER_ROWS = (300, 60, 10, 0)  # of one stage; fewer where the page would be too large
#: What its Content-Security-Policy says, in the page and in the header it is answered with.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_LEGEND = {
    "original": "original",
    "chosen": "chosen",
    "passed": "passed: proven to be within the budget",
    "not asked": "not asked of held-out rows",
    "rejected": "rejected",
}


def page_of(report: Report) -> str:
    """A whole HTML document. Names and reasons in it are a stranger's, and only ever text."""
    pages = (_page(report, most) for most in _LAYER_ROWS)
    return next((page for page in pages if len(page.encode()) <= MOST_BYTES), _page(report, 0))


def _page(report: Report, layer_rows: int) -> str:
    called = report["model"]["name"]
    title = joined("Compression report", *([": ", *_model(report)] if called else []))
    head = element(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        element("title", f"Compression report{f': {shown(called, 80)}' if called else ''}"),
        element("style", Html(CSS)),
    )
    body = element("body", element("main", element("h1", title), *_sections(report, layer_rows)))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _model(report: Report) -> list[Html]:
    model = report["model"]
    version = joined(", version ", name(model["version"])) if model["version"] else Html("")
    return [name(model["name"]), version]


def _sections(report: Report, layer_rows: int) -> list[Html | None]:
    return [
        element("p", report["verdict"]["sentence"], class_="verdict"),
        _tiles(report),
        _section("Side by side", side_by_side(report), _beside_note(report)),
        _pictures(report),
        _section(
            "Every candidate",
            candidates(report),
            _folded("What was not tried", not_tried(report)) if report["not_tried"] else None,
        ),
        _section("What each layer got", *_layers(report, layer_rows)),
        _section("How it was measured", *measured(report)),
    ]


def _section(title: str, *children: Html | None) -> Html:
    return element("section", element("h2", title), *children)


def _folded(title: Html | str, *children: Html, printed: bool = True) -> Html:
    return element("details", element("summary", title), *children, class_="printed" if printed else None)


def _tiles(report: Report) -> Html:
    """What was chosen in four figures; nothing where nothing was."""
    one = next((one for one in report["candidates"] if one["verdict"] == "chosen"), None)
    if one is None:
        return Html("")
    original, metric = report["original"], report["budget"]["metric"]
    found = one["held_out"]["metrics"][metric]
    tiles = [
        ("File", wording.size(one["smaller"]), f"{megabytes(original['size'])} → {megabytes(one['size'])} MB"),
        (
            "Stored, packed",
            wording.size(one["packed_smaller"]),
            f"{megabytes(original['packed'])} → {megabytes(one['packed'])} MB",
        ),
    ]
    if one["faster"]:
        before, after = one["original_cost"]["best_ms"], one["cost"]["best_ms"]
        old, new = milliseconds(before), milliseconds(after, before)
        tiles.append(("Speed", wording.speed(one["faster"]), f"{old} → {new} ms a prediction"))
    limit = report["budget"]["most"]
    most = f"at most {bound(metric, found['loss']['upper'], limit)}, allowed {allowed(metric, limit)}"
    scores = f"{metric_name(metric)} {score(metric, found['original'])} → {score(metric, found['candidate'])}; "
    tiles.append(
        (
            what_is_lost(metric),
            lost(metric, found["loss"]["estimate"]),
            (scores if found["original"] is not None else "") + most,
        )
    )
    return element(
        "dl",
        *(element("div", element("dt", dt), element("dd", element("strong", big), rest)) for dt, big, rest in tiles),
        class_="tiles",
    )


def _beside_note(report: Report) -> Html | None:
    original = report["original"]
    if original["beside"] is None:
        return None
    told = [
        "The original's times are those measured beside ",
        name(original["beside"], 40),
        "; each candidate's speed is against the original's run beside itself. Both answer one row a call, in turn, "
        "and the least times are compared.",
    ]
    return element("p", joined(*told), class_="note")


def _pictures(report: Report) -> Html | None:
    forest, drawn = intervals(report), {gain: pareto(report, gain) for gain in ("size", "speed")}
    titles = {"size": "Size against loss", "speed": "Time against loss"}
    better = "down and to the left is better. Numbers are those below."
    figures = [
        element(
            "figure",
            picture,
            element("figcaption", f"{titles[gain]}: {better}"),
        )
        for gain, picture in drawn.items()
        if picture
    ]
    if not figures or forest is None:
        return None
    there = {one["verdict"] for one in report["candidates"]} | {"original"}
    note = (
        "Bars are one-sided bounds to both sides. A star beside the number of rows: held-out rows, at "
        f"{percent(report['budget']['confidence_each'])} each side; others: choosing rows, at 95 %. "
        "The table below has the same numbers."
    )
    return _section(
        "What is gained, and what is lost",
        legend({verdict: words for verdict, words in _LEGEND.items() if verdict in there}),
        element("div", *figures, class_="pictures"),
        element("h3", "Loss of each candidate, with its interval"),
        element("figure", element("div", forest, class_="wide"), element("figcaption", note)),
    )


def _layers(report: Report, most: int) -> list[Html]:
    """Of what may answer; of the best candidate where nothing may."""
    kept = [one for one in report["candidates"] if one["verdict"] in ("chosen", "passed")]
    made = kept or [one for one in report["candidates"] if one["stages"]][:1]
    folded = [
        _folded(
            joined(name(one["name"], 40), f": {one['verdict']}"),
            *(layers(stage, most) for stage in one["stages"]),
            printed=one is made[0],
        )
        for one in made[:6]
    ]
    return folded or [element("p", "No candidate was made.")]
