"""What is known of a model when its description is made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aimass.domain.datatypes import FLOATS, is_tensor
from aimass.domain.description import Activation
from aimass.domain.model import TensorSpec
from aimass.formats.description_schema import DocumentSection

WHOLE = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
LABELS = "labels.txt"
LOGITS = "logits"  # what exports of transformers call the scores of classifiers
_LABELS = {"label", "output_label"}  # what skl2onnx and onnxmltools call them


@dataclass(frozen=True)
class Seen:
    """A model's signature, and what came with it.

    `labels` came with the upload. `raw_scores` are outputs that gave numbers below 0 or above 1 when the model was
    verified. `files` may be named as tokenizers; `texts` are the contents of small files, by name. `max_length` is how
    many tokens the model takes, where that is known; `independent` says that its classes do not exclude each other.
    `known` are the sections that its converter, or its import, could say more of than the model itself. `unscaled` are
    inputs of floats that take pictures with numbers of 0 to 255.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    labels: tuple[str, ...] = ()
    raw_scores: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    max_length: int | None = None
    independent: bool = False
    known: DocumentSection = field(default_factory=lambda: DocumentSection(aimass=1))
    unscaled: frozenset[str] = frozenset()

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

    def classifier(self, columns: int) -> Activation | Literal["unknown"]:
        """What makes probabilities of the logits of a Hugging Face classifier, as transformers trains it: its
        configuration says so, or how many classes it has. "unknown" of another model, None of a regression.
        """
        config = self.document(CONFIG)
        named = config.get("architectures")
        if not isinstance(named, list) or not named or not str(named[0]).endswith("Classification"):
            return "unknown"
        kind = config.get("problem_type") or ("regression" if columns == 1 else "single_label_classification")
        known: dict[str, Activation] = {"regression": None, "multi_label_classification": "sigmoid"}
        return known.get(str(kind), "softmax")

    @property
    def matrices(self) -> tuple[TensorSpec, ...]:
        """Outputs whose columns may be classes."""
        return tuple(spec for spec in self.outputs if is_matrix(spec))

    @property
    def labelled(self) -> bool:
        """Whether it answers classes itself, as scikit-learn's converters write classifiers: scores beside them are
        final then, be they probabilities or margins.
        """
        return any(spec.name in _LABELS and spec.datatype in {"INT64", "BYTES"} for spec in self.outputs)

    @property
    def token_scores(self) -> tuple[TensorSpec, ...]:
        """Outputs whose last dimension may be the classes of a token, where the model takes tokens."""
        takes = any(is_tokens(spec) for spec in self.inputs)
        return tuple(spec for spec in self.outputs if takes and _is_cube(spec))

    def scored(self, labels: tuple[str, ...]) -> tuple[TensorSpec, ...]:
        """The matrices with a column for each label, or where that cannot be known; else the only one of a column, of
        which two labels say what it is the probability of; else what has a class of tokens for each.
        """
        exact = tuple(spec for spec in self.matrices if spec.shape[1] in {-1, len(labels)})
        single = self.matrices if len(self.matrices) == 1 and self.matrices[0].shape[1] == 1 else ()
        of_tokens = tuple(spec for spec in self.token_scores if spec.shape[2] == len(labels))
        return exact or (single if len(labels) == 2 else ()) or of_tokens


def _is_cube(spec: TensorSpec) -> bool:
    return is_tensor(spec.onnx_type) and spec.datatype in FLOATS and len(spec.shape) == 3


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
