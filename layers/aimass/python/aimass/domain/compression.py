"""A compression: what may be asked for, as a user writes it, what was asked for, how far it is and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aimass.domain.errors import InvalidArguments
from aimass.domain.files import StoredFile

#: A budget's word, and the metric in which that much may be lost. `agreement` is what has to be left of it.
BUDGETS = {
    "accuracy_drop": "accuracy",
    "f1_drop": "f1",
    "auc_drop": "auc",
    "r2_drop": "r2",
    "agreement": "agreement",
    "divergence": "divergence",
}
#: The words by which ways of compressing are asked for.
METHODS = ("fp16", "int4", "int8", "prune", "trees", "weights")
AUTO = "auto"
MOST_VARIANTS = 24  # compressed ones of a version


@dataclass(frozen=True)
class CompressionCall:
    """What a compression was asked for; what was left out is None.

    `examples` is the folder of the examples, `data/<tenant>/<examples>/...` in the uploads bucket; None: without any.
    `size` and `filename` are of a file that will be put there; else `files` is how many lay there.
    """

    target: Literal["lambda-x86", "gpu"] = "lambda-x86"
    objective: Literal["size", "latency", "balanced"] = "balanced"
    budget: dict[str, float] | None = None
    methods: tuple[str, ...] | None = None
    examples: str | None = None
    filename: str | None = None
    size: int | None = None
    files: int | None = None


@dataclass(frozen=True)
class Candidate:
    """How far a compression is with one of its candidates, and what was seen of it on the rows that choose.

    `smaller` and `faster` are times, `lost` is in the budget's metric.
    """

    state: Literal["waiting", "compressing", "evaluating", "evaluated", "rejected", "not asked", "passed", "chosen"]
    smaller: float | None = None
    faster: float | None = None
    lost: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Compression:
    """How a compression of a version ended: the variant chosen, or None where the original is best left alone.

    `budget` is as a user writes it. `report` is JSON, `page` the same for reading.
    """

    job_id: str
    at: str
    budget: dict[str, float]
    objective: str
    chosen: str | None
    reason: str
    variants: tuple[str, ...]  # that it made, or made again
    report: StoredFile
    page: StoredFile


def check_budget(document: Any) -> tuple[str, float]:
    """The word and the number of `{"accuracy_drop": 0.005}`. Raises InvalidArguments naming the field."""
    if not isinstance(document, Mapping) or len(document) != 1:
        listed = ", ".join(BUDGETS)
        raise _wrong("budget", f'wants an object with one of {listed}, such as {{"accuracy_drop": 0.005}}')
    key, value = next(iter(document.items()))
    field = f"budget.{str(key)[:60].encode(errors='replace').decode()}"
    if key not in BUDGETS:
        raise _wrong(field, f"is no budget; there are {', '.join(BUDGETS)}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise _wrong(field, f"wants a number between 0 and 1, neither of them: {_meaning(key)}")
    return key, float(value)


def check_methods(asked: Any) -> tuple[str, ...] | None:
    """The words, each once and sorted; None leaves it to the platform. Raises InvalidArguments naming the others."""
    if asked is None or asked == AUTO:
        return None
    if not isinstance(asked, list | tuple) or not asked or not all(isinstance(word, str) for word in asked):
        raise _wrong("methods", f'wants "{AUTO}" or a list of {", ".join(METHODS)}')
    if unknown := sorted({word[:60] for word in asked} - {*METHODS}):
        raise _wrong("methods", f"{', '.join(map(repr, unknown[:5]))} is not known; there are {', '.join(METHODS)}")
    return tuple(sorted(set(asked)))


def _meaning(key: str) -> str:
    if key == "agreement":
        return "0.99 is that 99 of 100 rows are answered as before. No number of rows proves 1"
    if key == "divergence":
        return "0.02 is that outputs differ by 2 % of their size. No number of rows proves 0"
    return "0.005 is half a percentage point. No number of rows proves 0"


def _wrong(field: str, what: str) -> InvalidArguments:
    return InvalidArguments.of_fields({field: what})
