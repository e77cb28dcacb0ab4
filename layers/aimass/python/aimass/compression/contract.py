"""What a pass is. Each is one file in `passes`; the planner and the repair know of it by its `PASS` alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

Stage = Literal["clean", "prune", "quantize"]
Target = Literal["lambda-x86", "gpu"]
#: Where most of a model's work or bytes are.
Kind = Literal["convolution", "matmul", "trees", "recurrent", "other"]
Options = Mapping[str, Any]  # JSON values


@dataclass(frozen=True)
class Profile:
    """What is known of a graph without running it.

    `nodes` counts operators, subgraphs' too; `weights` the elements of initializers by the operator that reads them;
    `size` is all bytes of its files; `floats` whether any initializer is float32. `locked` says why it is to be left as
    it is, if so: it is quantized already, has training operators, or operators that no one knows.
    """

    kind: Kind
    nodes: Mapping[str, int]
    weights: Mapping[str, int]
    size: int
    opset: int
    floats: bool
    locked: str | None = None


@dataclass(frozen=True)
class Rows:
    """Rows that a pass may look at, as one array for each input of the model, the first dimension being the row.

    `batch` is how many go into one call at most; 1 where the model's first dimension is fixed. Empty: there are none.
    `whole`: each row is all of one call, whose inputs have one dimension less (a recurrent state, a scalar).
    """

    inputs: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 32
    whole: bool = False

    def __len__(self) -> int:
        return min((len(array) for array in self.inputs.values()), default=0)

    def feeds(self, most: int | None = None) -> Sequence[Mapping[str, Any]]:
        """The rows, of the first `most`, as what is given to a session, a call at a time."""
        count = len(self) if most is None else min(most, len(self))
        if self.whole:
            return [
                {name: np.asarray(array[at], array.dtype) for name, array in self.inputs.items()} for at in range(count)
            ]
        starts = range(0, count, self.batch)
        return [{name: array[at : min(at + self.batch, count)] for name, array in self.inputs.items()} for at in starts]


@dataclass(frozen=True)
class Ask:
    """What the user wants, as far as it concerns what is tried."""

    target: Target = "lambda-x86"
    rows: int = 0  # for calibration
    made_up: bool = False  # the rows are: ranges may be taken from them, repair may not
    labels: bool = False  # there are: what is lost is known in points, not as difference from the original alone


@dataclass(frozen=True)
class Work:
    """One application of a pass. `source` is the model's file to begin with, `original` the one that is answered like.

    The result is written to `target`, with its external data beside it where it is 2 GB or more. `folder` is for what
    comes between.
    """

    source: Path
    target: Path
    original: Path
    folder: Path
    rows: Rows
    profile: Profile


@dataclass(frozen=True)
class Unit:
    """A part of the graph that a pass changes and can spare: a layer, a group of channels.

    `weight` is its share of the model's bytes, by which sparing it costs.
    """

    name: str
    weight: float


@dataclass(frozen=True)
class Applied:
    """What a pass did. `units` are those that it changed, `notes` what the report shall say of it, layer by layer."""

    units: Sequence[Unit] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Pass:
    """One way of making a model smaller.

    `methods` are the words by which a user asks for it. `propose` says with which options it is worth trying, the most
    promising first, none where it can do no good; each has a `name` for variants, such as `int8` or `pruned30`, and may
    have a `gain`: [times smaller, times faster], as is to be expected, by which the planner orders recipes, and
    `methods`: those of the pass's that this one is meant by; none of them goes on to `apply`. `apply` does it; it is a
    function of `Work` and options alone, so that the same gives the same bytes. It raises NotApplicable where the graph
    does not allow it. Options may hold `spare`: names of units to be left as they are, which the repair fills in.
    `rows` says how many calibration rows it needs at least.
    """

    name: str
    stage: Stage
    methods: tuple[str, ...]
    propose: Callable[[Profile, Ask], Sequence[Options]]
    apply: Callable[[Work, Options], Applied]
    rows: int = 0
    real_rows: bool = False  # made-up ones will not do
    includes: tuple[str, ...] = ()  # passes whose work it does as well, so that they have nothing to do after it
    exact: bool = False  # no answer changes, whatever the rows: there is no loss to be proven


class NotApplicable(Exception):
    """A pass can do nothing for this graph, or must not; the text says why."""
