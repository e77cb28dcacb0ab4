"""ONNX files, read and written whole, and what they answer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from aimass.compression.contract import NotApplicable, Rows

_FATAL_ONLY = 4
#: Above this the weights go into a file beside: protobuf ends at 2 GB, and the graph takes some of it.
ONE_FILE_BYTES = 1_900_000_000
Answers = Sequence[Sequence[Any]]  # one list of outputs for each call


def load(path: Path) -> Any:
    """The model with its external data. Raises NotApplicable for a file that cannot be read."""
    with refused("the file cannot be read"):
        return onnx.load(path)


def save(model: Any, path: Path) -> None:
    """Writes `path` and, where the weights are too large for one file, `path` + `.data` beside it."""
    beside = path.with_name(f"{path.name}.data")
    beside.unlink(missing_ok=True)
    if weight_bytes(model) <= ONE_FILE_BYTES:
        path.write_bytes(model.SerializeToString(deterministic=True))
        return
    # It empties the tensors that it writes, so the caller's model is of no use afterwards.
    onnx.save_model(
        model, path, save_as_external_data=True, all_tensors_to_one_file=True, location=beside.name, size_threshold=1024
    )


def weight_bytes(model: Any) -> int:
    total: int = sum(tensor.ByteSize() for graph in graphs(model) for tensor in graph.initializer)
    return total


def file_bytes(path: Path) -> int:
    """The model's size with its external data, which lies where the model says, beside it."""
    model = onnx.load(path, load_external_data=False)
    names: set[str] = {
        entry.value
        for graph in graphs(model)
        for tensor in graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return path.stat().st_size + sum((path.parent / name).stat().st_size for name in sorted(names))


def graphs(model: Any) -> Iterator[Any]:
    """The graph and all graphs within its nodes."""
    waiting = [model.graph]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            waiting.extend(graphs_within(node))


def graphs_within(node: Any) -> list[Any]:
    """The graphs that a node's attributes hold."""
    found = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return found + [graph for attribute in node.attribute for graph in attribute.graphs]


def nodes(model: Any) -> Iterator[Any]:
    """Nodes of the graph, of all graphs within and of the model's functions."""
    for graph in graphs(model):
        yield from graph.node
    for function in model.functions:
        yield from function.node


def opset(model: Any) -> int:
    return max((int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def name_nodes(model: Any) -> None:
    """Gives every node of the graph a name of its own, which units and reports are known by."""
    taken = {node.name for node in model.graph.node}
    seen: set[str] = set()
    for at, node in enumerate(model.graph.node):
        if not node.name or node.name in seen:
            node.name = next(
                name
                for name in (f"{node.op_type}_{at}{'_' * more}" for more in range(len(taken) + 1))
                if name not in taken
            )
            taken.add(node.name)
        seen.add(node.name)


def open_session(path: Path, *, optimised: bool = True) -> Any:
    """The model, open on the CPU, one thread. Raises NotApplicable where the runtime does not take it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    with refused("the runtime does not load it"):
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answers(session: Any, feeds: Sequence[Mapping[str, Any]]) -> Answers:
    """What the model answers to each call. Raises NotApplicable where it fails."""
    run = ort.RunOptions()
    run.log_severity_level = _FATAL_ONLY
    with refused("the model does not run"):
        return [session.run(None, dict(feed), run) for feed in feeds]


def answers_of(path: Path, rows: Rows, most: int | None = None) -> Answers:
    return answers(open_session(path), rows.feeds(most))


@contextlib.contextmanager
def refused(what: str) -> Iterator[None]:
    """Turns whatever onnx and onnxruntime raise, which share no class, into NotApplicable."""
    try:
        yield
    except (NotApplicable, MemoryError):
        raise
    except Exception as error:
        words = " ".join(str(error).split())[:300]
        raise NotApplicable(f"{what}: {words or type(error).__name__}") from error


def same_interface(one: Any, other: Any) -> bool:
    """Whether two sessions take and give the same names, types and ranks."""

    def described(session: Any) -> list[tuple[str, str, Any]]:
        values = (*session.get_inputs(), *session.get_outputs())
        return [(value.name, value.type, None if value.shape is None else len(value.shape)) for value in values]

    return described(one) == described(other)


def close(one: Any, other: Any, tolerance: float) -> bool:
    """Whether two answers are alike: floats within `tolerance` of the largest of them, all else equal."""
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(close(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key], tolerance) for key in one)
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype.kind != "f" or not tolerance:
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    finite = np.isfinite(one)
    if not np.array_equal(one[~finite], other[~finite], equal_nan=True) or not np.isfinite(other[finite]).all():
        return False
    largest = max(1.0, float(np.abs(one[finite]).max(initial=0)))
    return bool(np.abs(one[finite].astype(np.float64) - other[finite]).max(initial=0) <= tolerance * largest)


def divergence(original: Answers, candidate: Answers) -> float:
    """How far floats are off, as a share of how much they vary: root mean squares; infinite where none can be given."""
    off = spread = 0.0
    for ours, theirs in zip(original, candidate, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            if not isinstance(one, np.ndarray) or one.dtype.kind != "f":
                continue
            if one.shape != other.shape or not np.isfinite(other[np.isfinite(one)]).all():
                return float("inf")
            finite = np.isfinite(one)
            true = one[finite].astype(np.float64)
            off += float(((other[finite] - true) ** 2).sum())
            spread += float(((true - true.mean()) ** 2).sum()) if true.size else 0.0
    return float(np.sqrt(off / spread)) if spread else (0.0 if off == 0 else float("inf"))
