"""PyTorch: training with a fixed seed in one thread, and export with a variable batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

Batch = Mapping[str, np.ndarray]
_SEED = 7


def seeded() -> None:
    torch.manual_seed(_SEED)
    torch.set_num_threads(1)


def train(
    model: torch.nn.Module,
    batches: Callable[[np.random.Generator], Sequence[Batch]],
    epochs: int,
    rate: float,
) -> torch.nn.Module:
    """AdamW under one cycle of the learning rate. `batches` gives those of an epoch, each with `labels`."""
    generator = np.random.default_rng(_SEED)
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, rate, weight_decay=0.01)
    cycle = None
    for epoch in range(1, epochs + 1):
        model.train()
        found = batches(generator)
        cycle = cycle or torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * len(found))
        losses = []
        for batch in found:
            tensors = {name: torch.from_numpy(array) for name, array in batch.items()}
            loss = torch.nn.functional.cross_entropy(_logits(model, tensors), tensors["labels"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            losses.append(float(loss.detach()))
        print(f"epoch {epoch}/{epochs}: loss {np.mean(losses):.4f}", flush=True)
    return model.eval()


def accuracy(model: torch.nn.Module, batches: Sequence[Batch]) -> float:
    right = rows = 0
    with torch.no_grad():
        for batch in batches:
            tensors = {name: torch.from_numpy(array) for name, array in batch.items()}
            right += int((_logits(model, tensors).argmax(1) == tensors["labels"]).sum())
            rows += len(tensors["labels"])
    return right / rows


def export(
    model: torch.nn.Module, example: Mapping[str, torch.Tensor], dynamic: Mapping[str, Mapping[int, str]], target: Path
) -> None:
    """One ONNX file of opset 18; `dynamic` names dimensions by input.

    Shapes between nodes are left out: of weights that the exporter transposed it writes those before, and tools refuse.
    """
    named = {dim: torch.export.Dim(dim, min=1, max=4096) for dims in dynamic.values() for dim in dims.values()}
    shapes = {name: {at: named[dim] for at, dim in dims.items()} for name, dims in dynamic.items()}
    with torch.no_grad():
        program = torch.onnx.export(
            model.eval(),
            (),
            kwargs=dict(example),
            input_names=list(example),
            output_names=["logits"],
            opset_version=18,
            dynamo=True,
            dynamic_shapes=shapes,
            verbose=False,
        )
    graph = program.model_proto
    del graph.graph.value_info[:]
    target.write_bytes(graph.SerializeToString())


def _logits(model: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    answer: torch.Tensor = model(**{name: one for name, one in tensors.items() if name != "labels"})
    return answer
