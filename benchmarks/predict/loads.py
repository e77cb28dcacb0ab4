"""What is asked: a model, one call's inputs, and whether they go as JSON or as bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.predict import graphs

Tensors = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Load:
    name: str
    title: str
    model: str
    build: Callable[[], bytes]
    shape: tuple[int, ...]
    is_binary: bool = False

    @cached_property
    def inputs(self) -> Tensors:
        random = np.random.default_rng(11)
        if self.model != "encoder":
            return {"x": random.standard_normal(self.shape, np.float32)}
        ids = random.integers(1, graphs.VOCABULARY, self.shape)
        return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}

    def write_model(self, folder: Path) -> Path:
        path = folder / f"{self.model}.onnx"
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_bytes(self.build())
            partial.rename(path)
        return path

    def expected(self, model: Path) -> NDArray[np.generic]:
        """What onnxruntime itself answers."""
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        answer: NDArray[np.generic] = session.run(None, self.inputs)[0]
        return answer


# Of the legs that run several callers' calls as one, ours and theirs.
BATCHING = {"max_batch": 32, "max_delay_ms": 1}
IMAGE = (1, 3, 224, 224)
LOADS = (
    Load("tiny", "MLP 4-16-3, JSON", "tiny", graphs.mlp, (1, 4)),
    Load("cnn", "CNN on 1x28x28, JSON", "cnn", graphs.small_cnn, (1, 1, 28, 28)),
    Load("classifier-json", "Classifier on 1x3x224x224, JSON", "classifier", graphs.classifier, IMAGE),
    Load("classifier-binary", "Classifier on 1x3x224x224, bytes", "classifier", graphs.classifier, IMAGE, True),
    Load("encoder", "Sentence encoder, 1x32 tokens, JSON", "encoder", graphs.encoder, (1, graphs.SEQUENCE)),
)
