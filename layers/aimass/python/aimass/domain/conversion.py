"""What became of a model on its way to ONNX, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Difference:
    """One output of the original beside the same of the ONNX model, over all rows that were replayed.

    Numbers are compared by value: `largest_absolute` and `largest_relative` (to the original's magnitude) are None for
    labels. `agreement` is the share of equal rows for labels (whole numbers, strings, booleans), for scores of classes
    that of rows whose best column is the same, None elsewhere. `within` says whether it stays inside the tolerance:
    |difference| <= `absolute` + `relative` * |original|, for labels an agreement of 1. `absolute` is that of the column
    closest to its tolerance or furthest beyond: each has its own.
    """

    output: str
    datatype: str
    largest_absolute: float | None
    largest_relative: float | None
    agreement: float | None
    absolute: float
    relative: float
    within: bool


@dataclass(frozen=True)
class Replay:
    """The same inputs through both. `samples` says whose: `rows` counts those made up beside `given` ones too.

    `expected` says that outputs came along too.
    """

    samples: Literal["given", "generated"]
    rows: int
    differences: tuple[Difference, ...]
    expected: bool = False

    @property
    def within(self) -> bool:
        """Whether every output stays inside its tolerance."""
        return all(difference.within for difference in self.differences)


@dataclass(frozen=True)
class Conversion:
    """How a version came to be ONNX. `memory_bytes` is the job's peak, `tools` its libraries and their versions.

    `scan` is the verdict on a file that could hold a program, `isolation` how the job was shut off. `drift_accepted`
    marks a version that answers otherwise than its original, beyond the tolerance, as its owner allowed.
    """

    format: str
    environment: str
    framework: str
    seconds: float
    memory_bytes: int
    tools: Mapping[str, str]
    replay: Replay
    scan: str | None = None
    isolation: str = ""
    drift_accepted: bool = False
    notes: tuple[str, ...] = field(default_factory=tuple)  # a default of () would be a tuple in the OpenAPI document

    @property
    def causes(self) -> tuple[str, ...]:
        """The notes that say why answers differ, where that is known."""
        return tuple(note for note in self.notes if note.startswith(ROUNDED))


#: How a note begins that tells of numbers which the ONNX model takes in single precision.
ROUNDED = "rounded to single precision: "


#: The files that a conversion leaves: the model, and its weights where they would not fit within.
MAIN, DATA = "model.onnx", "model.onnx.data"
#: What it may leave beside them: where the original came with words alone, and of a table that came without a sample.
TOKENIZER, SAMPLE = "tokenizer.json", "sample.npz"
BESIDE = (TOKENIZER, SAMPLE)
MAX_SAMPLE_BYTES = 1 << 20
#: Of all of them together: `verify` fetches them, and has as much room again for its optimised graph.
MAX_BYTES = 4 << 30
#: Of what a conversion tells, as one JSON document.
MAX_RESULT_BYTES = 1 << 20
#: What it tells may say, at most: it was made beside a stranger's model.
MOST_SECONDS, MOST_MEMORY, MOST_ROWS = 86_400, 1 << 50, 1_000_000_000
#: How far a conversion's job is, in this order, and what its log says of it.
PHASES = {
    "started": "the job has its place and started: it fetches the model",
    "opening": "opening the model by its own library",
    "converting": "writing it as ONNX",
    "replaying": "replaying inputs through both models",
    "storing": "storing the ONNX model",
}
