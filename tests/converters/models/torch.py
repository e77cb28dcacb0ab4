"""PyTorch models and transformers' by name: trained in seconds, or from packages (requirements/models.in)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import torch

from tests.converters.models.huggingface import (
    ARCHITECTURES,
    PACKAGES,
    bert_checkpoint,
    bert_classifier,
    bert_words,
    minilm,
    minilm_weights,
    vit_digits,
)
from tests.converters.models.made import Made
from tests.converters.models.torch_digits import (
    BATCH,
    digits_pt2,
    digits_pt2_of_a_gpu,
    digits_pt2_of_one,
    digits_scripted,
    digits_traced,
)
from tests.converters.models.torch_programs import (
    attention_traced,
    bfloat16_pt2,
    chosen_pt2,
    guarded_pt2,
    keyed_traced,
    numbers_pt2,
    pooled_scripted,
    quantized_traced,
    texts_pt2,
    texts_traced,
)


def ccexam_pt2(folder: Path) -> Made:
    """The package ccexam's classifier of MNIST, its weights in the module that its documentation describes."""
    layers = [torch.nn.Conv2d(1, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
    layers += [torch.nn.Conv2d(32, 64, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
    head = torch.nn.Sequential(torch.nn.Linear(3136, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    model = torch.nn.Sequential()
    model.features, model.flat, model.classifier = torch.nn.Sequential(*layers), torch.nn.Flatten(), head
    model.load_state_dict(torch.load(PACKAGES / "ccexam/weights/mnist.pth", "cpu", weights_only=True))
    program = torch.export.export(model.eval(), (torch.rand(2, 1, 28, 28),), dynamic_shapes=({0: BATCH},))
    torch.export.save(program, folder / "model.pt2")
    return Made("pt2", ("model.pt2",))


def ccexam_weights(folder: Path) -> Made:
    shutil.copy(PACKAGES / "ccexam/weights/mnist.pth", folder / "mnist.pth")
    return Made("pytorch", ("mnist.pth",))


def whole_module(folder: Path) -> Made:
    """torch.save of a module: its class is named, not held."""
    torch.save(torch.nn.Linear(2, 2), folder / "model.pt")
    return Made("pytorch", ("model.pt",))


_MADE = (
    *(digits_pt2, digits_pt2_of_a_gpu, digits_pt2_of_one, digits_traced, digits_scripted, pooled_scripted),
    *(
        texts_pt2,
        texts_traced,
        keyed_traced,
        quantized_traced,
        chosen_pt2,
        attention_traced,
        guarded_pt2,
        bfloat16_pt2,
        numbers_pt2,
        ccexam_pt2,
        ccexam_weights,
        whole_module,
    ),
    *(minilm, minilm_weights, bert_classifier, bert_words, bert_checkpoint, vit_digits),
)


MODELS: dict[str, Callable[..., Made]] = {make.__name__: make for make in _MADE} | ARCHITECTURES
