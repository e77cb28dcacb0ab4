"""What a Hugging Face folder says of texts and scores, as sections of a model description.

`problem_type`: https://huggingface.co/docs/transformers/main_classes/configuration; `max_seq_length`, which
sentence-transformers cuts texts to: https://sbert.net/docs/package_reference/sentence_transformer/models.html
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aimass.formats import json_object
from aimass.formats.converters._transformers_model import Opened

_SENTENCES = "sentence_bert_config.json"
_ACTIVATIONS = {
    "single_label_classification": "softmax",
    "multi_label_classification": "sigmoid",
    "regression": "none",
}
_ONE_ROW_EACH = ("ForSequenceClassification", "ForImageClassification")


def described(folder: Path, opened: Opened) -> dict[str, Any]:
    """The sections `input` and `output`, as far as they are known."""
    sections: dict[str, Any] = {}
    if length := _max_length(folder, opened.config):
        sections["input"] = {"text": {"max_length": length}}
    if activation := _activation(type(opened.model).__name__, opened.config):
        sections["output"] = {"output": "logits", "activation": activation}
    return sections


def notes(folder: Path) -> Iterator[str]:
    """What sentence-transformers does to texts and the tokenizer may not."""
    if (json_object.read(folder / _SENTENCES) or {}).get("do_lower_case") is True:
        yield f"{_SENTENCES} says do_lower_case: send texts in small letters, unless its tokenizer makes them so"


def _activation(name: str, config: Any) -> str | None:
    """What transformers trains the scores with, by its own rule where the configuration leaves it open; None for what
    answers no classes.
    """
    columns = getattr(config, "num_labels", 0) or 0
    if not name.endswith(_ONE_ROW_EACH):
        return None
    kind = getattr(config, "problem_type", None) or ("regression" if columns == 1 else "single_label_classification")
    return None if kind == "regression" and columns == 1 else _ACTIVATIONS.get(str(kind))


def _max_length(folder: Path, config: Any) -> int | None:
    length = (json_object.read(folder / _SENTENCES) or {}).get("max_seq_length")
    if type(length) is not int or length <= 0:
        return None
    positions = getattr(config, "max_position_embeddings", None)
    return None if positions and length > positions else length
