"""Which candidate answers from now on: the best by the objective of those whose loss is proven to be within the budget.

Choosing rows say which candidates are finalists. Held-out rows are asked for those alone, a few, and the confidence is
shared among them (Bonferroni), so that the promise holds for whichever is chosen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from aimass.compression import wording
from aimass.compression.plan import Objective
from aimass.compression.rounding import up
from aimass.compression.statistics import Loss

MOST_FINALISTS = 4
CONFIDENCE = 0.95
#: Two measurements of one model differ by as much: what is not slower by more counts as equally fast.
NOISE = 0.03
#: Times faster, times smaller: less is not worth another model. Speed alone has to be beyond what is measured amiss.
FASTER, SMALLER, ALONE = 1.05, 1.3, 1.1
#: Times the budget: of what loses more nearly all would have to be spared.
FAR = 3.0
#: Standard errors by which a repair aims below the limit.
SPARE = 1.0
# What is not the objective counts a little: 2 % of size are not worth half of the speed.
_LEANING = 0.1


@dataclass(frozen=True)
class Candidate:
    """What choosing rows say. `smaller`, `faster`: times; `faster` is None where the target is not at hand."""

    name: str
    smaller: float
    faster: float | None
    loss: Loss
    finite: bool = True


@dataclass(frozen=True)
class Limit:
    """The budget: the metric, what may be lost in it, the rows by which that is to be proven, how many may be asked."""

    metric: str
    most: float
    rows: int
    finalists: int = MOST_FINALISTS

    def told(self, loss: float) -> str:
        return wording.loss(self.metric, loss)


def useless(one: Candidate, objective: Objective) -> str:
    """Why it is not worth having, however well it answers; empty where it is."""
    if not one.finite:
        return "Some of its answers are not finite where the original's are."
    if one.smaller < 1:
        return f"It is not smaller: {wording.size(one.smaller)}."
    too_little = f"It gains too little: {wording.gain(one.smaller, one.faster)}."
    if one.faster is None:
        return "" if one.smaller >= SMALLER else too_little
    if one.faster < 1 - NOISE:
        return f"It is {wording.speed(one.faster)}."
    if one.faster < (FASTER if one.smaller >= FASTER else ALONE) and (objective == "latency" or one.smaller < SMALLER):
        return too_little
    return ""


def over(one: Candidate, limit: Limit) -> str:
    """Why choosing rows already say that it loses too much; empty where they don't."""
    if one.loss.estimate <= limit.most:
        return ""
    told = f"{limit.told(one.loss.estimate)}, allowed are {limit.most:g}"
    return f"It is over the budget on {one.loss.rows} choosing rows: {told}."


def unproven(loss: Loss, limit: Limit, asked: int) -> str:
    """Why held-out rows don't prove that it is within the budget; empty where they do."""
    if loss.upper <= limit.most:
        return ""
    return f"It is over the budget on {loss.rows} held-out rows: {proof(loss, limit, asked)}."


def proof(loss: Loss, limit: Limit, asked: int) -> str:
    """What held-out rows say, in words; `asked` is of how many candidates, which share the confidence."""
    notes = [f"{wording.percent(CONFIDENCE)} over the {asked} that were asked"] if asked > 1 else []
    notes += ["approximate"] if limit.metric in wording.APPROXIMATE else []
    why = f" ({'; '.join(notes)})" if notes else ""
    sure = f"with {wording.percent(loss.confidence)} confidence{why}"
    return f"{limit.told(loss.estimate)}, {bounded(loss.upper, limit)} {sure}, allowed are {limit.most:g}"


def bounded(upper: float, limit: Limit) -> str:
    """A bound in words: rounded up, but not over a budget that it keeps."""
    told = up(upper, 3)
    return f"at most {min(told, limit.most) if upper <= limit.most else told:g}"


def expected(loss: Loss, rows: int, share: int = 1, spare: float = 0.0) -> float:
    """The bound that so many other rows are expected to give, the confidence shared.

    With `spare` standard errors above it: what is sought on these rows looks better on them than on others.
    """
    if not math.isfinite(loss.upper) or not rows:
        return math.inf
    errors = (_z(confidence_each(share)) + spare) / _z(loss.confidence)
    return loss.estimate + (loss.upper - loss.estimate) * errors * math.sqrt(loss.rows / rows)


def ordered(candidates: Sequence[Candidate], objective: Objective) -> list[Candidate]:
    """The best first."""
    return sorted(candidates, key=lambda one: (-_score(one, objective), one.loss.estimate, one.name))


def worth_repair(candidates: Sequence[Candidate], limit: Limit, objective: Objective, most: int = 2) -> list[str]:
    """Those that would be chosen, were it not for the budget: ahead of the best that is safely expected to keep it.

    What is far beyond the budget comes last.
    """
    wanted: list[Candidate] = []
    for one in ordered([one for one in candidates if not useless(one, objective) or not one.finite], objective):
        if one.finite and expected(one.loss, limit.rows, limit.finalists, SPARE) <= limit.most:
            break
        wanted.append(one)
    wanted.sort(key=lambda one: one.loss.estimate > FAR * limit.most)
    return [one.name for one in wanted[:most]]


def finalists(candidates: Sequence[Candidate], limit: Limit, objective: Objective) -> list[Candidate]:
    """In the order in which they would be chosen: the best, and the one that is the safest.

    Those that choosing rows don't expect to pass only fill places that are left.
    """
    fit = ordered([one for one in candidates if not useless(one, objective) and not over(one, limit)], objective)
    bound = {one.name: expected(one.loss, limit.rows, limit.finalists) for one in fit}
    likely = sorted(fit, key=lambda one: bound[one.name] > limit.most)
    asked = likely[: max(1, limit.finalists - 1)]
    left = sorted(likely[len(asked) :], key=lambda one: bound[one.name])[: limit.finalists - len(asked)]
    names = {one.name for one in (*asked, *left)}
    return [one for one in fit if one.name in names]


def confidence_each(count: int) -> float:
    """That each of so many is asked with, so that all together keep the whole."""
    return 1 - (1 - CONFIDENCE) / max(1, count)


def front(candidates: Sequence[Candidate]) -> list[str]:
    """Names of those that no other beats or equals in size, speed and loss together."""
    usable = [one for one in candidates if one.finite]
    return sorted(one.name for one in usable if not any(_beats(other, one) for other in usable))


def _beats(one: Candidate, other: Candidate) -> bool:
    ours, theirs = ((it.smaller, it.faster or 1.0, -it.loss.estimate) for it in (one, other))
    return ours != theirs and all(a >= b for a, b in zip(ours, theirs, strict=True))


def _score(one: Candidate, objective: Objective) -> float:
    faster = one.faster or 1.0
    scores: dict[str, float] = {
        "size": one.smaller * faster**_LEANING,
        "latency": faster * one.smaller**_LEANING,
        "balanced": math.sqrt(one.smaller * faster),
    }
    return scores[objective]


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(confidence)
