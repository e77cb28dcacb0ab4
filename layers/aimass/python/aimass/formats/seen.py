"""What is known of a model when its description is made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aimass.domain.datatypes import FLOATS, is_tensor
from aimass.domain.model import TensorSpec

WHOLE = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
LABELS = "labels.txt"


@dataclass(frozen=True)
class Seen:
    """A model's signature, and what came with it.

    `labels` came with the upload. `raw_scores` are outputs that gave numbers below 0 or above 1 when the model was
    verified. `files` may be named as tokenizers; `texts` are the contents of small files, by name. `max_length` is how
    many tokens the model takes, where that is known; `independent` says that its classes do not exclude each other.
    `columns` are what a model called those of its one table before it was converted.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    labels: tuple[str, ...] = ()
    raw_scores: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    max_length: int | None = None
    independent: bool = False
    columns: tuple[str, ...] = ()

    def document(self, name: str) -> dict[str, Any]:
        """A file's JSON object; nothing of a file that is none."""
        try:
            found = json.loads(self.texts.get(name, "{}"))
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def multi_label(self) -> bool:
        """Whether each class is a question of its own, as the model's configuration or its import said."""
        return self.independent or self.document(CONFIG).get("problem_type") == "multi_label_classification"

    @property
    def matrices(self) -> tuple[TensorSpec, ...]:
        """Outputs whose columns may be classes."""
        return tuple(spec for spec in self.outputs if is_matrix(spec))

    def scored(self, labels: tuple[str, ...]) -> tuple[TensorSpec, ...]:
        """The matrices with a column for each label, or where that cannot be known; else the only one of a column, of
        which two labels say what it is the probability of.
        """
        exact = tuple(spec for spec in self.matrices if spec.shape[1] in {-1, len(labels)})
        single = self.matrices if len(self.matrices) == 1 and self.matrices[0].shape[1] == 1 else ()
        return exact or (single if len(labels) == 2 else ())


def is_matrix(spec: TensorSpec) -> bool:
    """Whether this is a tensor of floats, [rows, columns]."""
    return is_tensor(spec.onnx_type) and spec.datatype in FLOATS and len(spec.shape) == 2


def is_scores(spec: TensorSpec) -> bool:
    """Whether this may hold classes: a matrix of floats, or the maps that scikit-learn's converters make of one."""
    return is_matrix(spec) or spec.onnx_type.startswith("seq(map(")


def is_strings(spec: TensorSpec) -> bool:
    """Whether this takes strings, one a row."""
    return spec.onnx_type == "tensor(string)" and (len(spec.shape) == 1 or spec.shape[1:] == (1,))


def is_tokens(spec: TensorSpec) -> bool:
    """Whether this takes whole numbers, [rows, tokens]."""
    return spec.datatype in {"INT64", "INT32"} and len(spec.shape) == 2


def is_picture(spec: TensorSpec) -> bool:
    """Whether this takes numbers in four dimensions."""
    return spec.datatype in FLOATS | WHOLE and len(spec.shape) == 4
