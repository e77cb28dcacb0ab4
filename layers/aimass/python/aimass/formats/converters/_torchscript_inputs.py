"""What TorchScript is to be called with: a traced module's file has the shapes of its inputs, a scripted one's none."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from aimass.domain.errors import SampleNeeded

_TRACED = "traced_inputs.pkl"
_MOST_ELEMENTS = 1 << 26
# Sides of pictures that models are trained on, the usual one first.
_SIDES = (
    224,
    28,
    32,
    64,
    96,
    112,
    128,
    160,
    192,
    256,
    288,
    299,
    300,
    320,
    384,
    416,
    448,
    480,
    512,
    608,
    640,
    800,
    1024,
)
_ROWS, _TOKENS = 2, 16


def traced_example(path: Path) -> list[Any] | None:
    """Tensors of the types and shapes that the module was traced with; None for a scripted one."""
    import torch

    reader = torch._C.PyTorchFileReader(str(path))
    if _TRACED not in reader.get_all_records():
        return None
    try:
        told = _Shapes(BytesIO(reader.get_record(_TRACED))).load()["forward"]
    except (pickle.UnpicklingError, KeyError, TypeError, ValueError, AttributeError, IndexError, EOFError):
        return None
    if not isinstance(told, list) or not all(isinstance(one, _Shape) for one in told):
        return None
    return [_made(getattr(torch, one.dtype), one.shape) for one in told]


def guessed_example(module: Any, names: Sequence[str]) -> list[Any]:
    """The first input that a module takes, after the shape of its first weight. Raises SampleNeeded."""
    import torch

    for dtype, shape in _guesses(module) if len(names) == 1 else ():
        example = [_made(dtype, shape)]
        try:
            with torch.inference_mode():
                module(*example)
        except Exception:  # noqa: S112 - a wrong guess; the interpreter raises whatever the code in the file does
            continue
        return example
    raise SampleNeeded(
        "a scripted module does not say the shapes of its inputs: send a sample (sample.npz with an array for each of"
        f" {', '.join(names)}), or trace it with torch.jit.trace, or export it with torch.export",
        inputs=[*names],
    )


def table_rows(module: Any, names: Sequence[str]) -> dict[str, int]:
    """How many rows the table has that an input's whole numbers look up in, by input."""
    graph = module.inlined_graph
    given = dict(zip([value.debugName() for value in list(graph.inputs())[1:]], names, strict=False))
    rows: dict[str, int] = {}
    for node in graph.findAllNodes("aten::embedding"):
        table, places = [*node.inputs()][:2]
        name = given.get(places.debugName())
        if name and (tensor := _attribute(module, table)) is not None:
            rows[name] = min(rows.get(name, tensor.shape[0]), int(tensor.shape[0]))
    return rows


def _attribute(module: Any, value: Any) -> Any:
    """The tensor that a value of a graph is read from; None for one that is computed."""
    path, node = [], value.node()
    while node.kind() == "prim::GetAttr":
        path.append(node.s("name"))
        node = next(node.inputs()).node()
    for name in reversed(path):
        module = getattr(module, name, None)
    return module if path else None


class _Shape:
    def __init__(self, dtype: str, shape: tuple[int, ...]) -> None:
        self.dtype, self.shape = dtype, shape


class _Shapes(pickle.Unpickler):
    """The shapes of tensors in a pickle; it finds stand-ins alone."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda dtype, offset, shape, *_: _Shape(dtype, tuple(map(int, shape)))
        if (module, name) == ("torch.jit._pickle", "restore_type_tag"):
            return lambda value, _: value
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if module == "torch" and name.endswith("Storage"):
            return _DTYPES[name.removesuffix("Storage")]
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        return pid[1]


_DTYPES = {"Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64"}
_DTYPES |= {"Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool"}


def _guesses(module: Any) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """Types and shapes after the first weight: pictures for a convolution, rows for a layer, token ids for a table."""
    import torch

    weights = [(name, value) for name, value in module.named_parameters() if value.dim() >= 2]
    if not weights or "weight_ih" in weights[0][0]:  # a recurrent layer's axes have no one order
        return
    weight = weights[0][1]
    if weight.dim() == 4:
        yield from ((weight.dtype, (_ROWS, weight.shape[1], side, side)) for side in _SIDES)
    if weight.dim() == 2:
        yield weight.dtype, (_ROWS, weight.shape[1])
        yield torch.int64, (_ROWS, _TOKENS)


def _made(dtype: Any, shape: tuple[int, ...]) -> Any:
    """Numbers between -1 and 1; of whole ones 1, which is a row of most tables and hides nothing as a mask."""
    import torch

    count = 1
    for size in shape:
        count *= size
    if count > _MOST_ELEMENTS:
        raise SampleNeeded(f"the module was traced with an input of {count} elements: send a smaller sample")
    if not dtype.is_floating_point:
        return torch.ones(shape, dtype=dtype)
    return torch.linspace(-1, 1, max(count, 1))[:count].reshape(shape).to(dtype)
