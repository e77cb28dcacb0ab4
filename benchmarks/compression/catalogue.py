"""Which models are compressed, how each is made, scored and asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: `words`: the share of pictures whose text is read right, of CTC's columns.
Metric = Literal["accuracy", "auc", "words"]
Kind = Literal["image CNN", "mobile CNN", "text transformer", "tree ensemble", "other"]


@dataclass(frozen=True)
class Entry:
    """A model by the function that makes it, in `models/<module>.py`, which runs in a converter's environment or this.

    `budgets` are what the platform is asked for, one job after another over the same rows.
    """

    name: str
    kind: Kind
    what: str
    module: str
    environment: str | None
    metric: Metric
    budgets: tuple[Mapping[str, float], ...]


_HALF, _ONE = {"accuracy_drop": 0.005}, {"accuracy_drop": 0.01}

ENTRIES = (
    Entry("alexnet", "image CNN", "2.3 M weights, clothes", "pictures", "torch", "accuracy", (_HALF, _ONE)),
    Entry("mobile", "mobile CNN", "0.2 M weights, clothes", "pictures", "torch", "accuracy", (_HALF,)),
    Entry("residual", "image CNN", "0.6 M weights, clothes", "pictures", "torch", "accuracy", (_HALF, _ONE)),
    Entry("minilm", "text transformer", "BERT of 6 layers, sentiment", "sentences", "torch", "accuracy", (_HALF, _ONE)),
    Entry(
        "forest",
        "tree ensemble",
        "40 trees, table of letters",
        "tables",
        "trees",
        "accuracy",
        ({"accuracy_drop": 0.002},),
    ),
    Entry(
        "boosted",
        "tree ensemble",
        "40 rounds, table of letters",
        "tables",
        "trees",
        "accuracy",
        ({"accuracy_drop": 0.002},),
    ),
    Entry("silero", "other", "voice, LSTM", "recordings", None, "auc", ({"accuracy_drop": 0.02},)),
    Entry("ppocr", "other", "text in pictures", "words", None, "words", ({"agreement": 0.98},)),
)


def chosen(only: str) -> list[Entry]:
    """By beginnings of names with commas between; all for nothing. Raises ValueError where one fits nothing."""
    wanted = [one for one in only.split(",") if one]
    for one in wanted:
        if not any(entry.name.startswith(one) for entry in ENTRIES):
            raise ValueError(f"no model is called {one}…; there are {', '.join(entry.name for entry in ENTRIES)}")
    return [entry for entry in ENTRIES if not wanted or entry.name.startswith(tuple(wanted))]
