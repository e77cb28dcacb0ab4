"""The tables of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.imports.catalogue import Entry
from benchmarks.imports.environments import Start

Json = dict[str, Any]
MIB, MB = 1 << 20, 10**6
COLUMNS = (
    *("model", "what", "recognised as", "import s", "conversion s", "peak MiB", "replayed rows"),
    *("largest difference", "agreement", "own library", "over HTTP", "same answers"),
)
SHORT = (
    "recognised as",
    "models",
    "rows scored",
    "same answers",
    "accuracy by its own library, and over HTTP where it differs",
)
REFUSED = ("upload", "what", "ended as", "code", "message")
_LONGEST = 300


@dataclass(frozen=True)
class Outcome:
    """What became of an entry. `seconds` is its import's, `job` and `version` are as HTTP told them.

    `before`, `after` and `same` are of `rows` whose answers are known: the score by the model's own library, that of
    the version over HTTP, and the share of rows on which the two answer the same. `failed` says why nothing is known.
    """

    entry: Entry
    job: Json | None = None
    version: Json | None = None
    seconds: float = 0.0
    rows: int = 0
    before: float | None = None
    after: float | None = None
    same: float | None = None
    failed: str | None = None

    @property
    def ended(self) -> str:
        """`ready`, `stored`, or the code that the import was refused with."""
        if self.job is None:
            return "not made"
        if self.job["error"]:
            return str(self.job["error"]["code"])
        return str(self.version["state"]) if self.version else "unknown"

    @property
    def as_meant(self) -> bool:
        return self.failed is None and self.ended == self.entry.ends


def tables(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Markdown, line by line: what was converted, then what was kept or refused, then what went wrong."""
    converted = [one for one in outcomes if one.ended == "ready"]
    others = [one for one in outcomes if one.ended != "ready" and one.as_meant]
    wrong = [one for one in outcomes if not one.as_meant]
    yield from ("", f"## Converted: {len(converted)}", "", *_head(COLUMNS), *(_row(*_cells(one)) for one in converted))
    if others:
        yield from ("", f"## Kept or refused: {len(others)}", "", *_head(REFUSED))
        yield from (_row(*_refusal(one)) for one in others)
    if wrong:
        yield from ("", f"## Ended otherwise than they should: {len(wrong)}", "", *_head(REFUSED))
        yield from (_row(*_refusal(one)) for one in wrong)


def short_table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Of what was converted, a row for each format."""
    yield from _head(SHORT)
    converted = [one for one in outcomes if one.version and one.ended == "ready"]
    for kind in dict.fromkeys(one.version["format"] for one in converted if one.version):
        group = [one for one in converted if one.version and one.version["format"] == kind]
        scored = [one for one in group if one.same is not None]
        rows = sum(one.rows for one in scored)
        same = sum(one.rows * (one.same or 0) for one in scored) / rows if rows else None
        yield _row(kind, str(len(group)), f"{rows:,}" if rows else "", _share(same), ", ".join(map(_compared, scored)))


def _compared(one: Outcome) -> str:
    before, after = _score(one.before), _score(one.after)
    return f"{one.entry.name} {before}" + (f" → {after}" if after != before else "")


def environment_table(sizes: dict[str, int], starts: dict[str, list[Start]]) -> Iterator[str]:
    yield from (
        "",
        "## Environments",
        "",
        *_head(("environment", "on disk, MB", "a process that imports", "starts in s")),
    )
    for name, found in starts.items():
        for number, start in enumerate(found):
            size = f"{sizes[name] / MB:,.0f}" if number == 0 else ""
            yield _row(name if number == 0 else "", size, start.imports, f"{start.seconds:.2f}")


def progress(one: Outcome) -> str:
    """A line for the terminal."""
    scores = "" if one.before is None else f", {_score(one.before)} -> {_score(one.after)}"
    said = one.failed or ((one.job or {}).get("error") or {}).get("message", "")
    return f"{one.ended} in {one.seconds:.1f} s{scores}{': ' + said[:_LONGEST] if said else ''}"


def _cells(one: Outcome) -> Iterator[str]:
    version = one.version or {}
    conversion = version["conversion"]
    differences = conversion["replay"]["differences"]
    absolute = [found["largest_absolute"] for found in differences if found["largest_absolute"] is not None]
    agreement = [found["agreement"] for found in differences if found["agreement"] is not None]
    yield from (one.entry.name, one.entry.what, version["format"], f"{one.seconds:.1f}")
    yield from (f"{conversion['seconds']:.1f}", f"{conversion['memory_bytes'] / MIB:.0f}")
    yield f"{conversion['replay']['rows']:,}, {conversion['replay']['samples']}"
    yield f"{max(absolute):.1e}" if absolute else ""
    yield _share(min(agreement)) if agreement else ""
    scored = one.before is not None
    yield f"{_score(one.before)} of {one.rows:,}" if scored else ""
    yield _score(one.after)
    yield _share(one.same)


def _refusal(one: Outcome) -> Iterator[str]:
    error = (one.job or {}).get("error") or {}
    said = one.failed or error.get("message") or (one.version or {}).get("format", "")
    yield from (one.entry.name, one.entry.what)
    yield one.job["state"] if one.job else "not made"
    yield from (one.ended, said.replace("|", "\\|").replace("\n", " ")[:_LONGEST])


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.5g} %"


def _head(columns: tuple[str, ...]) -> list[str]:
    return [_row(*columns), _row(*("---" for _ in columns))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
