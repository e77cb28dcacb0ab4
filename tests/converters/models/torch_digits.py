"""PyTorch's models of handwritten digits, trained in seconds."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import torch

from tests.converters.models.made import Made, best_column

ROOT = Path(__file__).resolve().parents[3]


BATCH = torch.export.Dim("batch", min=1, max=1024)


def digit_pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """scikit-learn's pictures of digits, [n, 1, 8, 8] from 0 to 1: even rows to train with, odd rows to score."""
    path = next((ROOT / ".venv").glob("lib/python*/site-packages/sklearn/datasets/data/digits.csv.gz"))
    with gzip.open(path, "rt") as file:
        rows = np.array([*csv.reader(file)], np.float32)
    pictures, truth = (rows[:, :-1] / 16).reshape(-1, 1, 8, 8), rows[:, -1].astype(np.int64)
    return pictures[::2], truth[::2], pictures[1::2], truth[1::2]


def trained(model: torch.nn.Module, inputs: tuple[torch.Tensor, ...], truth: np.ndarray, steps: int) -> torch.nn.Module:
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    wanted = torch.from_numpy(truth)
    random = torch.Generator().manual_seed(5)
    model.train()
    for _ in range(steps):
        chosen = torch.randint(0, len(wanted), (128,), generator=random)
        answer = model(*(one[chosen] for one in inputs))
        logits = answer if isinstance(answer, torch.Tensor) else answer["logits"]
        loss = torch.nn.functional.cross_entropy(logits, wanted[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


class Digits(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = torch.nn.Sequential(
            torch.nn.Conv2d(1, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)
        )
        self.head = torch.nn.Sequential(torch.nn.Dropout(0.2), torch.nn.Linear(256, 10))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(image).flatten(1))


@cache
def digits_model() -> tuple[torch.nn.Module, np.ndarray, np.ndarray]:
    torch.manual_seed(1)
    pictures, truth, tried, answers = digit_pictures()
    return trained(Digits(), (torch.from_numpy(pictures),), truth, 150), tried, answers


def _digits_made(kind: str, name: str, tried: np.ndarray, answers: np.ndarray) -> Made:
    return Made(kind, (name,), {"image": tried}, best_column(answers, "output"))


def digits_pt2(folder: Path, training: bool = False) -> Made:
    """Exported with a variable batch."""
    model, tried, answers = digits_model()
    program = torch.export.export(model.train(training), (torch.rand(4, 1, 8, 8),), dynamic_shapes=({0: BATCH},))
    torch.export.save(program, folder / "model.pt2")
    return _digits_made("pt2", "model.pt2", tried, answers)


def digits_pt2_of_one(folder: Path) -> Made:
    """Exported without dynamic shapes: for one picture."""
    model, tried, answers = digits_model()
    torch.export.save(torch.export.export(model, (torch.rand(1, 1, 8, 8),)), folder / "model.pt2")
    return Made("pt2", ("model.pt2",), {"image": tried[:1]}, best_column(answers[:1], "output"))


def digits_pt2_of_a_gpu(folder: Path) -> Made:
    """The same as if its module had lain on a GPU."""
    made = digits_pt2(folder)
    path = folder / "model.pt2"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, _on_gpu(name, body))
    return made


def _on_gpu(name: str, body: bytes) -> bytes:
    if name.endswith(".json"):
        return re.sub(rb'"device": \{[^}]*\}', b'"device": {"type": "cuda", "index": 0}', body)
    if not name.endswith("sample_inputs/model.pt"):
        return body
    moved = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as example, zipfile.ZipFile(moved, "w") as archive:
        for member in example.namelist():
            at_cpu, at_gpu = (b"X" + len(place).to_bytes(4, "little") + place for place in (b"cpu", b"cuda:0"))
            archive.writestr(member, example.read(member).replace(at_cpu, at_gpu))
    return moved.getvalue()


def digits_traced(folder: Path, training: bool = False) -> Made:
    model, tried, answers = digits_model()
    torch.jit.trace(model.train(training), torch.rand(4, 1, 8, 8), check_trace=False).save(folder / "model.pt")
    return _digits_made("torchscript", "model.pt", tried, answers)


def digits_scripted(folder: Path, training: bool = False) -> Made:
    """Its shapes are to be found: no side that is usual for pictures fits these."""
    model, tried, _ = digits_model()
    torch.jit.script(model.train(training)).save(folder / "model.pt")
    return Made("torchscript", ("model.pt",), {"image": tried[:50]})
