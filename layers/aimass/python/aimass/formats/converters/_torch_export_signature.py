"""What a program of torch.export takes and answers: names, and the values that its inputs may be sent."""

from __future__ import annotations

from typing import Any


def user_names(program: Any) -> list[str]:
    """The names of the inputs in order; of one that is a constant, and so no input of the graph, its placeholder's."""
    return [str(spec.arg.name) for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]


def output_names(program: Any) -> tuple[str, ...]:
    """By the keys that the module answers under; `output` or `output_<n>` where it answers without."""
    import torch
    from torch.utils import _pytree

    spec = program.call_spec.out_spec
    paths, _ = _pytree.tree_flatten_with_path(_pytree.tree_unflatten([0] * spec.num_leaves, spec))
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    answered = [
        path
        for (path, _), name in zip(paths, program.graph_signature.user_outputs, strict=True)
        if isinstance(name, str) and isinstance(values.get(name), torch.Tensor)
    ]
    named = [
        "_".join(str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", "")))) for key in path)
        for path in answered
    ]
    taken = {node.name for node in program.graph.nodes}
    plain = ["output"] if len(named) == 1 else [f"output_{index}" for index in range(len(named))]
    return tuple(
        own if own and not own.isdigit() and named.count(own) == 1 and own not in taken else fallback
        for own, fallback in zip(named, plain, strict=True)
    )


def given_inputs(program: Any) -> dict[str, Any]:
    """The example inputs that the program was exported with, by name."""
    from torch.utils import _pytree

    leaves = _pytree.tree_leaves(program.example_inputs) if program.example_inputs else []
    names = user_names(program)
    return dict(zip(names, leaves, strict=True)) if len(names) == len(leaves) else {}


def value_range(node: Any, example: Any, program: Any) -> tuple[float, float]:
    """From the least to the largest value of its example; a table's rows for what looks up in one."""
    import torch

    rows = [size for user in node.users if (size := _rows(user, program)) is not None]
    if rows:
        return 0.0, float(min(rows) - 1)
    whole = not node.meta["val"].dtype.is_floating_point
    if isinstance(example, torch.Tensor) and example.numel() and not example.is_complex():
        low, high = float(example.min()), float(example.max())
        return (low, high) if whole else (min(low, -1.0), max(high, 1.0))
    return (0.0, 1.0) if whole else (-1.0, 1.0)


def _rows(user: Any, program: Any) -> int | None:
    """How many rows an embedding has that a node looks up in."""
    if getattr(getattr(user.target, "_schema", None), "name", "") != "aten::embedding":
        return None
    return int(user.args[0].meta["val"].shape[0])
