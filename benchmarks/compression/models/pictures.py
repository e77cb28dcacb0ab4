"""Networks trained on pictures of clothes (Fashion-MNIST). The last 10,000 training pictures are kept from training."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.compression.models.built import MODEL, Built
from benchmarks.compression.models.networks import AlexNet, Mobile, Residual
from benchmarks.compression.models.training import Batch, accuracy, export, seeded, train
from benchmarks.compression.packages import FASHION, PACKAGES

_KEPT = 10_000
_BATCH, _SCORED = 128, 500
_IMAGES_HEAD, _LABELS_HEAD = 16, 8  # bytes, of the IDX format


def alexnet(folder: Path, share: float) -> Built:
    return _built(AlexNet, folder, share, epochs=3, rate=1e-3)


def residual(folder: Path, share: float) -> Built:
    return _built(Residual, folder, share, epochs=2, rate=4e-3)


def mobile(folder: Path, share: float) -> Built:
    return _built(Mobile, folder, share, epochs=3, rate=4e-3)


def pictures(part: str) -> tuple[np.ndarray, np.ndarray]:
    """[n, 1, 28, 28] grey values from 0 to 1, and which of 10 classes; `part` is `train` or `t10k`."""
    folder = PACKAGES / FASHION.name / FASHION.folder
    raw = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
    names = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    images = np.frombuffer(raw, np.uint8, offset=_IMAGES_HEAD).reshape(-1, 1, 28, 28)
    return images.astype(np.float32) / 255, np.frombuffer(names, np.uint8, offset=_LABELS_HEAD).astype(np.int64)


def _built(network: Callable[[], torch.nn.Module], folder: Path, share: float, epochs: int, rate: float) -> Built:
    seeded()
    images, labels = pictures("train")
    test, answers = pictures("t10k")
    count = int((len(images) - _KEPT) * share)

    def batches(generator: np.random.Generator) -> Sequence[Batch]:
        order = generator.permutation(count)[: count // _BATCH * _BATCH].reshape(-1, _BATCH)
        return [{"image": _turned(images[some], generator), "labels": labels[some]} for some in order]

    model = train(network(), batches, epochs, rate)
    export(model, {"image": torch.from_numpy(test[:2])}, {"image": {0: "batch"}}, folder / MODEL)
    kept = slice(-_KEPT, None)
    scored = [
        {"image": test[at : at + _SCORED], "labels": answers[at : at + _SCORED]} for at in range(0, len(test), _SCORED)
    ]
    about = {
        "data": f"{FASHION.name} {FASHION.version}",
        "trained on": count,
        "epochs": epochs,
        "parameters": sum(one.numel() for one in model.parameters()),
        "accuracy": accuracy(model, scored),
    }
    return Built({"image": images[kept], "labels": labels[kept]}, {"image": test, "labels": answers}, about)


def _turned(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Half of them mirrored."""
    return np.where(generator.random((len(images), 1, 1, 1)) < 0.5, images[..., ::-1], images)


MODELS: dict[str, Callable[[Path, float], Built]] = {"alexnet": alexnet, "residual": residual, "mobile": mobile}
