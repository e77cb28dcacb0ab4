"""Models of packages, beside those of tests/converters/models/torch.py."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.imports.models.data import PACKAGES, mnist, sentences
from tests.converters.models import torch as tested
from tests.converters.models.made import Made, best_column
from tests.converters.models.torch_digits import digits_model

_MEAN, _DEVIATION = 0.1307, 0.3081  # of MNIST's grey values, as the package's own training has them


def ccexam_mnist(folder: Path) -> Made:
    rows, truth = mnist()
    pictures = ((rows / 255).reshape(-1, 1, 28, 28) - _MEAN) / _DEVIATION
    made = tested.ccexam_pt2(folder)
    return replace(made, rows={"input": pictures.astype(np.float32)}, score=best_column(truth, "output"))


def minilm_documents(folder: Path) -> Made:
    """Scored by the nearest mean of a document's sentences: even ones are known, odd ones asked for."""
    from transformers import AutoTokenizer

    made = tested.minilm(folder)
    texts, truth = sentences()
    tokens = AutoTokenizer.from_pretrained(folder, local_files_only=True)(
        texts, padding=True, truncation=True, max_length=64, return_tensors="np"
    )
    rows = {name: tokens[name].astype(np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
    return replace(made, rows=rows, score=_nearest_mean(truth))


def _nearest_mean(truth: np.ndarray) -> Callable[[Mapping[str, Any]], float]:
    def score(outputs: Mapping[str, Any]) -> float:
        vectors = np.asarray(outputs["sentence_embedding"])
        known, asked = vectors[::2], vectors[1::2]
        means = np.stack([known[truth[::2] == number].mean(0) for number in range(truth.max() + 1)])
        return float(np.mean((asked @ means.T).argmax(1) == truth[1::2]))

    return score


def digits_scripted(folder: Path) -> Made:
    _, tried, answers = digits_model()
    return replace(tested.digits_scripted(folder), rows={"image": tried}, score=best_column(answers, "output"))


def silero_vad(folder: Path) -> Made:
    shutil.copy(PACKAGES / "silero_vad/data/silero_vad.jit", folder / "silero_vad.jit")
    sound = np.random.default_rng(1).normal(0, 0.1, (1, 512)).astype(np.float32)
    return Made("torchscript", ("silero_vad.jit",), {"x": sound, "sr": np.array(16000)})


def gpt2_tiny(folder: Path) -> Made:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(1)
    GPT2LMHeadModel(GPT2Config(vocab_size=256, n_positions=64, n_embd=32, n_layer=2, n_head=2)).save_pretrained(folder)
    names = sorted(path.name for path in folder.iterdir() if path.name != "config.json")
    return Made("causal-lm", ("config.json", *names))


MODELS: dict[str, Callable[..., Made]] = {
    make.__name__: make for make in (ccexam_mnist, minilm_documents, digits_scripted, silero_vad, gpt2_tiny)
}
