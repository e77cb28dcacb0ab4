"""What PyTorch exports, traces and scripts: small modules, each with something of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tests.converters.models.made import Made
from tests.converters.models.torch_digits import BATCH


def pooled_scripted(folder: Path) -> Made:
    """Scripted, for pictures of any size."""

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Conv2d(3, 8, 3, padding=1)
            self.last = torch.nn.Linear(8, 4)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.last(torch.nn.functional.adaptive_avg_pool2d(torch.relu(self.first(image)), 1).flatten(1))

    torch.manual_seed(2)
    torch.jit.script(Pooled().eval()).save(folder / "model.pt")
    return Made("torchscript", ("model.pt",))


def bfloat16_pt2(folder: Path) -> Made:
    program = torch.export.export(torch.nn.Linear(4, 2).bfloat16().eval(), (torch.rand(2, 4).bfloat16(),))
    torch.export.save(program, folder / "model.pt2")
    return Made("pt2", ("model.pt2",))


def numbers_pt2(folder: Path) -> Made:
    """Answers its own input, nothing and a number beside a tensor."""

    class Answers(torch.nn.Module):
        def forward(self, row: torch.Tensor) -> Any:
            return row, row + 1, None, 3

    torch.export.save(torch.export.export(Answers(), (torch.rand(2, 4),)), folder / "model.pt2")
    return Made("pt2", ("model.pt2",))


class Texts(torch.nn.Module):
    """Two inputs, an answer in a dictionary, a list and by name."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(50, 8)
        self.head = torch.nn.Linear(8, 3)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> Any:
        tokens = self.table(ids) * mask.unsqueeze(-1)
        mean = tokens.sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
        return {"logits": self.head(mean), "tokens": [tokens, tokens.amax(1)]}


class TextsInTuple(Texts):
    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> Any:
        answer = super().forward(ids, mask)
        return answer["logits"], answer["tokens"][0]


_TOKENS = (torch.arange(14).reshape(2, 7), torch.ones(2, 7, dtype=torch.int64))


def texts_pt2(folder: Path) -> Made:
    torch.manual_seed(3)
    shapes = {0: BATCH, 1: torch.export.Dim("tokens", min=1, max=300)}
    program = torch.export.export(Texts().eval(), _TOKENS, dynamic_shapes=(shapes, shapes))
    torch.export.save(program, folder / "model.pt2")
    return Made("pt2", ("model.pt2",))


class Keyed(torch.nn.Module):
    def forward(self, row: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"double": row * 2, "sum": row.sum(1)}


def keyed_traced(folder: Path) -> Made:
    torch.jit.trace(Keyed(), torch.rand(3, 4), strict=False).save(folder / "model.pt")
    return Made("torchscript", ("model.pt",))


def quantized_traced(folder: Path) -> Made:
    layers = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)).eval()
    quantized = torch.ao.quantization.quantize_dynamic(layers, {torch.nn.Linear}, dtype=torch.qint8)
    torch.jit.trace(quantized, torch.rand(3, 8)).save(folder / "model.pt")
    return Made("torchscript", ("model.pt",))


class Chosen(torch.nn.Module):
    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows[rows[:, 0] > 0]


def chosen_pt2(folder: Path) -> Made:
    """How many rows it answers is told by their values."""
    torch.export.save(torch.export.export(Chosen(), (torch.rand(5, 3),)), folder / "model.pt2")
    return Made("pt2", ("model.pt2",))


def texts_traced(folder: Path) -> Made:
    torch.manual_seed(3)
    torch.jit.trace(TextsInTuple().eval(), _TOKENS).save(folder / "model.pt")
    return Made("torchscript", ("model.pt",))


class Attends(torch.nn.Module):
    """Attention, of which torch's older exporter can't write what a trace has."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(50, 8)
        self.layer = torch.nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
        self.head = torch.nn.Linear(8, 3)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(self.table(ids), src_key_padding_mask=mask == 0).mean(1))


def attention_traced(folder: Path) -> Made:
    torch.manual_seed(9)
    torch.jit.trace(Attends().eval(), _TOKENS, check_trace=False).save(folder / "model.pt")
    return Made("torchscript", ("model.pt",))


def guarded_pt2(folder: Path) -> Made:
    """Two inputs whose rows must be as many, and a number that is no tensor: guards and a constant in the program."""

    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = torch.nn.Linear(4, 2)

        def forward(self, row: torch.Tensor, times: int, *, scale: torch.Tensor) -> torch.Tensor:
            return self.head(row) * scale * times

    torch.manual_seed(4)
    program = torch.export.export(
        Scaled().eval(),
        (torch.rand(3, 4), 3),
        {"scale": torch.rand(3, 1)},
        dynamic_shapes={"row": {0: BATCH}, "times": None, "scale": {0: BATCH}},
    )
    torch.export.save(program, folder / "model.pt2")
    return Made("pt2", ("model.pt2",))
