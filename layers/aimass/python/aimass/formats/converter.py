"""What a converter is. Each is one file in `converters`; the house knows of it by its `CONVERTER` alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from aimass.formats.content import Content

if TYPE_CHECKING:
    import numpy as np

#: An environment that a conversion runs in, one for libraries that install together.
Environment = Literal["trees", "torch", "tensorflow"]


@dataclass(frozen=True)
class Tree:
    """Uploaded files: the kind of each, as `recognise` names it, by its path under `root`."""

    root: Path
    kinds: Mapping[str, str]

    def of(self, *kinds: str) -> list[str]:
        """The paths of files of these kinds."""
        return [path for path, kind in self.kinds.items() if kind in kinds]


@dataclass(frozen=True)
class Candidate:
    """One model among files. `files` are all that it needs, `main` first, the others in its folder or below.

    Paths are relative to the tree's root when it is found, to the folder of `main` when it is opened. `facts` are what
    its files say of it without being opened by a library, such as a language model's context length; of them
    `framework` (text) and `parameter_count` are known to the registry. `hides` are files that are no model of their own
    beside it: the same weights in another format, the state of an optimizer.
    """

    format: str
    files: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    hides: tuple[str, ...] = ()

    @property
    def main(self) -> str:
        return self.files[0]


@dataclass(frozen=True)
class Wanted:
    """An input to be made up: `shape` has -1 for a variable dimension, `dtype` is numpy's name, `str` for strings.

    Numbers are drawn between `low` and `high`, one in three from `near` where that is given, by column: values at which
    the model decides. Strings are drawn from `words`.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    low: float = 0.0
    high: float = 1.0
    near: Mapping[int, Sequence[float]] = field(default_factory=dict)
    words: Sequence[str] = ()


@dataclass(frozen=True)
class Converted:
    """What a conversion left in its folder. `main` is the ONNX file, `files` that one and its external data.

    `framework` says which library the model was trained with, and its version where it is known. `labels` name the
    columns of its scores. `notes` are what its owner ought to know.

    `describes` are the sections `input` and `output` of aimass.yaml as far as the original knows them, as JSON values:
    `{"input": {"table": {"missing": "nan", "columns": [{"name": "color", "values": ["red", "blue"]}]}}, "output":
    {"output": "scores", "activation": "none"}}`. NaN is the text `nan`; `activation: none` says that the
    output's numbers are no probabilities, so that answers call them `score`. What the owner wrote goes before it, key
    by key; a section that breaks the schema or does not fit the ONNX model is left out.

    `beside` are files in its folder that are no part of the ONNX model: `tokenizer.json` where it was made, or none.
    """

    main: str
    files: tuple[str, ...]
    framework: str
    labels: tuple[str, ...] = ()
    describes: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


class Original(Protocol):
    """A model opened by its own library, in the sandbox of its conversion."""

    @property
    def wanted(self) -> Sequence[Wanted]:
        """Its inputs, named and typed as those of the ONNX model will be. Known once it is converted."""
        ...

    def convert(self, folder: Path) -> Converted:
        """Writes the ONNX model into `folder`. Raises ImportRefused kinds."""
        ...

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Its answers, named and shaped as the outputs of the ONNX model; an output that it lacks is not compared."""
        ...


@runtime_checkable
class Sampled(Protocol):
    """An original whose file does not say what its inputs are: a sample tells, before it is converted."""

    @property
    def names(self) -> Sequence[str]:
        """Of its inputs."""
        ...

    def sampled(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes shapes and types from the sample's arrays, by input. Raises InvalidSample."""
        ...


def _nothing(_: Any) -> None:
    return None


@dataclass(frozen=True)
class Converter:
    """A family of formats.

    `titles` has its formats as a sentence names them, `accepted` those that are taken as a list of them does. `refused`
    are formats that are recognised and not taken, each with the way to one that is, as a sentence without its end.

    `recognise` tells a file by its bytes, `members` a zip file by patterns: each matches a member, or with a `!` none.
    `structural` says that `recognise` knows no magic bytes and is asked after those that do; `compressed` are the
    formats that may lie in a compressed file. `find` picks the models among files, by default each file of its formats.

    Without an `environment` its models are kept as they are, and `open` is never called. `open` is given the folder of
    `main`; it imports what it needs itself. `program` says that opening a file may run what is written in it: then only
    a strong sandbox opens it, after `scan`, which answers its verdict or raises UnsafePickle. `weights` are formats
    without a graph: such a file is the model only where nothing else is. `remedy` is what to do when it can't be
    converted.
    """

    titles: Mapping[str, str]
    environment: Environment | None = None
    recognise: Callable[[Content], str | None] = _nothing
    members: Sequence[tuple[str, tuple[str, ...]]] = ()
    find: Callable[[Tree], Sequence[Candidate]] | None = None
    open: Callable[[Path, Candidate], Original] | None = None
    program: frozenset[str] = frozenset()
    scan: Callable[[Path, Candidate], str] | None = None
    remedy: str = ""
    accepted: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)
    structural: bool = False
    compressed: frozenset[str] = frozenset()
    weights: frozenset[str] = frozenset()

    def candidates(self, tree: Tree) -> Sequence[Candidate]:
        """Its models among the files. Raises ImportRefused kinds for one whose files contradict themselves."""
        if self.find is not None:
            return self.find(tree)
        return [Candidate(tree.kinds[path], (path,)) for path in tree.of(*self.titles)]
