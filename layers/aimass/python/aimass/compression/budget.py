"""What a user allows to be lost, and how many rows it takes to show that no more is (ADR 61)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

from aimass.compression.choose import MOST_FINALISTS, confidence_each
from aimass.compression.data.labels import Labels
from aimass.compression.reading import Reading
from aimass.compression.splits import rows_for_held_out
from aimass.compression.statistics import rows_for_agreement, rows_for_share, rows_unseen
from aimass.compression.unseen import classes_in, cost_of_a_row
from aimass.domain.compression import BUDGETS, check_budget
from aimass.domain.errors import InvalidArguments

CONFIDENCE = 0.95
MOST_BY_DEFAULT = 50  # thousandths lost
LEAST_RESAMPLED = 100  # rows, under which a bootstrap's bound is too near
_DIFFERING = 0.01
_SHARES = {"accuracy", "f1", "auc"}
_NUMBERS = {"r2"}
# Of classes that are equally frequent, what a row costs at most, times the rows.
_BY_CLASS = {"f1": 1, "auc": 2}


@dataclass(frozen=True)
class Budget:
    """The metric, and the loss in it that is allowed at most: 0.01 for an agreement of 0.99."""

    metric: str
    loss: float

    @property
    def document(self) -> dict[str, float]:
        """As a user writes it."""
        key = next(key for key, metric in BUDGETS.items() if metric == self.metric)
        return {key: round(1 - self.loss, 12) if key == "agreement" else self.loss}


def parse_budget(document: Any) -> Budget:
    """Reads `{"accuracy_drop": 0.005}`. Raises InvalidArguments naming the field."""
    key, value = check_budget(document)
    return Budget(BUDGETS[key], round(1 - value, 12) if key == "agreement" else value)


def default_budget(reading: Reading, labels: Labels | None) -> Budget:
    """By what there is: labels of classes, of numbers, or none."""
    if labels is not None:
        return Budget("accuracy" if labels.kind == "classes" else "r2", 0.01)
    return Budget("agreement", 0.01) if reading.classifies else Budget("divergence", 0.02)


def shown_by_default(budget: Budget, held_out: int) -> Budget:
    """The default, or the least that so many held-out rows can show of four candidates that answer one row in a hundred
    otherwise, or of one that answers none; at most a loss of 0.05, which `check_rows` refuses where it can't be shown.
    """
    first = round(budget.loss * 1000)
    tried = [budget, *(replace(budget, loss=loss / 1000) for loss in range(first + 1, MOST_BY_DEFAULT + 1))]
    for confidence, differing in ((confidence_each(MOST_FINALISTS), _DIFFERING), (CONFIDENCE, 0.0)):
        for one in tried:
            if rows_needed(one, confidence, differing) <= held_out:
                return one
    return tried[-1]


def check_fit(budget: Budget, reading: Reading, labels: Labels | None) -> None:
    """Raises InvalidArguments where the budget's metric can't be measured with such outputs and labels."""
    field = "budget." + next(iter(budget.document))
    wants = "numbers" if budget.metric in _NUMBERS else "classes" if budget.metric in _SHARES else None
    if wants and labels is None:
        raise _wrong(field, "wants labelled rows; without labels there are agreement and divergence")
    if wants and labels is not None and labels.kind != wants:
        raise _wrong(field, f"wants labels that are {wants}; these are {labels.kind}")
    if budget.metric == "auc" and reading.kind == "labels" and not reading.scores:
        raise _wrong(field, "wants scores, and the model gives labels alone: use accuracy_drop or f1_drop")
    if budget.metric == "agreement" and (reading.single or (labels is not None and labels.kind == "numbers")):
        raise _wrong(field, "is of classes, and the model answers with numbers: use divergence, or r2_drop with labels")


def rows_needed(budget: Budget, confidence: float = CONFIDENCE, differing: float = 0.0) -> int:
    """Held-out rows by which the budget can be shown to hold, where the share `differing` is answered otherwise."""
    if budget.metric == "accuracy":
        return rows_for_share(budget.loss, differing, confidence)
    if budget.metric in _BY_CLASS:
        least = math.ceil(_BY_CLASS[budget.metric] * rows_unseen(confidence) / budget.loss)
        return max(LEAST_RESAMPLED, least, rows_for_share(budget.loss, differing, confidence))
    least = rows_for_agreement(budget.loss, confidence)
    return least if budget.metric == "agreement" else max(LEAST_RESAMPLED, least)


def finalists(budget: Budget, held_out: int) -> int:
    """Of how many candidates so many held-out rows can tell: each more takes from the confidence of all; 1 at least."""
    enough = (n for n in range(MOST_FINALISTS, 1, -1) if rows_needed(budget, confidence_each(n)) <= held_out)
    return next(enough, 1)


def smallest_budget(budget: Budget, rows: int, confidence: float = CONFIDENCE) -> Budget | None:
    """The smallest loss that so many held-out rows could rule out, rounded up to a tenth of a percent, or None."""
    if rows < (1 if budget.metric in {"accuracy", "agreement"} else LEAST_RESAMPLED):
        return None
    z = NormalDist().inv_cdf(confidence)
    least = 1 - (1 - confidence) ** (1 / rows)
    if budget.metric in _SHARES:
        least = max(least, z * z / (rows + z * z), _BY_CLASS.get(budget.metric, 0) * rows_unseen(confidence) / rows)
    rounded = math.ceil(round(least * 1000, 9)) / 1000
    return Budget(budget.metric, rounded) if rounded < 1 else None


def shortage(budget: Budget, held_out: int, confidence: float = CONFIDENCE) -> str | None:
    """Why so many held-out rows can't show that the budget holds, and what would do; None where they can."""
    needed = rows_needed(budget, confidence)
    if held_out >= needed:
        return None
    key, value = next(iter(budget.document.items()))
    told = (
        f"too few different rows for {key} {value:g}: {held_out} are held out, and {needed} are needed to show it "
        f"with {confidence:.4g} confidence if no row is lost, about {rows_for_held_out(needed)} rows in all"
    )
    if budget.metric in _SHARES:
        likely = rows_needed(budget, confidence, _DIFFERING)
        told += f" ({rows_for_held_out(likely)} where one answer in a hundred changes)"
    every = rows_needed(budget, confidence_each(MOST_FINALISTS))
    if every > needed:
        told += (
            f". That is for one candidate; {MOST_FINALISTS} together want {every}, {rows_for_held_out(every)} in all"
        )
    smallest = smallest_budget(budget, held_out, confidence)
    return f"{told}. {_advice(smallest)}"


def check_rows(budget: Budget, held_out: int, confidence: float = CONFIDENCE) -> None:
    """Raises InvalidArguments with the number needed, before any work."""
    if told := shortage(budget, held_out, confidence):
        needed = rows_needed(budget, confidence)
        smallest = smallest_budget(budget, held_out, confidence)
        raise InvalidArguments(
            told,
            fields={"data": told},
            held_out=held_out,
            needed=needed,
            needed_in_all=rows_for_held_out(needed),
            needed_for_all_finalists=rows_needed(budget, confidence_each(MOST_FINALISTS)),
            smallest_budget=smallest and smallest.document,
        )


def check_classes(budget: Budget, labels: Labels | None, *, several: bool) -> None:
    """Of the labels that are held out. Raises InvalidArguments where a class has too few rows for F1 or AUC."""
    if labels is None or budget.metric not in _BY_CLASS:
        return
    classes = classes_in(labels, several=several)
    unseen = rows_unseen(confidence_each(finalists(budget, len(labels)))) * cost_of_a_row(budget.metric, classes)
    if unseen <= budget.loss or not len(classes.counts):
        return
    key, value = next(iter(budget.document.items()))
    name, there = str(classes.names[classes.rarest])[:80], int(classes.counts[classes.rarest])
    needed = math.ceil(there * unseen / budget.loss)
    told = (
        f"too few different rows of class {name!r} for {key} {value:g}: {there} are held out, and about {needed} "
        f"are needed, for these rows could show {key} {math.ceil(unseen * 1000) / 1000:g} at best. Send more rows of "
        "the classes that have few, or ask for accuracy_drop, which does not hang on them"
    )
    raise InvalidArguments(told, fields={"data": told}, held_out_of_class=there, needed_of_class=needed)


def _advice(smallest: Budget | None) -> str:
    if smallest is None:
        return "Send more rows"
    key, value = next(iter(smallest.document.items()))
    return f"Send more rows, or ask for {key} {value:g}, the {_bound(key)} that these could show"


def _bound(key: str) -> str:
    return "highest" if key == "agreement" else "smallest"


def _wrong(field: str, what: str) -> InvalidArguments:
    return InvalidArguments.of_fields({field: what})
