"""The tables of a run, Markdown line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aimass.compression.statistics import Loss
from benchmarks.compression.catalogue import Metric
from benchmarks.compression.goals import GOALS
from benchmarks.compression.outcome import Ours, Outcome
from benchmarks.compression.scoring import Score

COLUMNS = (
    *("model", "by", "MB", "smaller", "packed smaller", "faster", "metric"),
    *("lost on test rows", "lost on held-out rows", "job s"),
)
_WORDS: dict[Metric, str] = {"accuracy": "accuracy", "auc": "AUC", "words": "words read right"}
_LONGEST = 200


def tables(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield from ("", "## Goals", "", _row("model", "kind", "goal", "reached", "better still", "reached"))
    yield _row(*["---"] * 6)
    for one in outcomes:
        if one.entry.kind in GOALS:
            yield _row(*_goal_cells(one))
    yield from ("", "## Beside the tools' defaults", "", _row(*COLUMNS), _row(*["---"] * len(COLUMNS)))
    for one in outcomes:
        yield from _model_rows(one)
    yield from ("", "## Made", "", _row("model", "what", "minutes", "of"), _row(*["---"] * 4))
    for one in outcomes:
        yield _row(one.entry.name, one.entry.what, f"{one.about['minutes']:.1f}", str(one.about["data"]))


def _goal_cells(one: Outcome) -> Iterator[str]:
    yield from (one.entry.name, one.entry.kind)
    for goal, (reached, why) in zip(GOALS[one.entry.kind], one.reached(), strict=True):
        yield str(goal)
        yield f"{'**yes**' if reached else 'no'}: {_plain(why)}"


def _model_rows(one: Outcome) -> Iterator[str]:
    p50 = "" if one.p50_ms is None else f"p50 {one.p50_ms:.2f} ms"
    metric = f"{_WORDS[one.entry.metric]} {one.value:.4f}"
    yield _row(
        one.entry.name,
        "original",
        f"{one.size / 1e6:.2f}",
        "1",
        f"{one.size / one.packed:.2f}",
        p50,
        metric,
        "",
        "",
        "",
    )
    for rival in one.rivals:
        if rival.score is None:
            yield _row("", rival.name, f"no model: {_plain(rival.failed)}", *[""] * 7)
        else:
            yield _row("", rival.name, *_score_cells(rival.score), "", "")
    for ours in one.ours:
        if not ours.again or ours.variant.verdict == "chosen":
            yield _row("", *_our_cells(ours))
    for job in one.jobs:
        if not job.variants:
            asked = _budget(job.budget)
            yield _row("", f"platform, {asked}", f"left alone: {_plain(job.reason)}", *[""] * 6, f"{job.seconds:.0f}")


def _our_cells(ours: Ours) -> Iterator[str]:
    name = f"**{ours.variant.name}**" if ours.variant.verdict == "chosen" else ours.variant.name
    yield f"platform, {_budget(ours.job.budget)}: {name}"
    yield from _score_cells(ours.score)
    yield _loss(ours.variant.held_out)
    yield f"{ours.job.seconds:.0f}"


def _score_cells(score: Score) -> Iterator[str]:
    figures = score.figures
    yield from (f"{score.size / 1e6:.2f}", f"{figures.smaller:.2f}", f"{figures.stored:.2f}", f"{figures.faster:.2f}")
    yield f"{score.value:.4f}"
    yield "0, bit-equal" if figures.equal else _loss(score.loss)


def _loss(loss: Loss) -> str:
    """In points, with the bound."""
    return f"{100 * loss.estimate:.2f}, at most {100 * loss.upper:.2f}"


def _budget(budget: object) -> str:
    assert isinstance(budget, dict)
    return ", ".join(f"{name} {value:g}" for name, value in budget.items())


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:_LONGEST]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
