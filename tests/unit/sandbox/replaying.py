"""Two models that are plain functions, as a replay takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aimass.formats.converter import Wanted
from aimass.sandbox.tasks.calls import Sides

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass
class Declared:
    """As onnxruntime describes an input or output."""

    name: str
    type: str = "tensor(float)"
    shape: tuple[Any, ...] = ("n", 2)


def sides(original: Answer, onnx: Answer, *outputs: Declared, inputs: tuple[Declared, ...] = (Declared("x"),)) -> Sides:
    return Sides(original, onnx, inputs, outputs or (Declared("y"),))


def twice(feed: Mapping[str, Any]) -> dict[str, Any]:
    return {"y": feed["x"] * 2}


X = Wanted("x", "float32", (-1, 2), -4.0, 4.0)
