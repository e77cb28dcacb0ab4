"""What a script that makes a model hands over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Made:
    """A trained model as its library saved it: `files` in the folder, the main one first.

    `rows` are inputs of the ONNX model, by name, whose answers are known; `score` says how well outputs, by name, meet
    them: accuracy, or for numbers R². None where there is nothing to score.
    """

    format: str
    files: tuple[str, ...]
    rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    score: Callable[[Mapping[str, Any]], float] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def accuracy(truth: np.ndarray, output: str = "label") -> Callable[[Mapping[str, Any]], float]:
    """Scores labels: the share that is right."""
    return lambda outputs: float(np.mean(np.asarray(outputs[output]).ravel() == truth))


def best_column(truth: np.ndarray, output: str) -> Callable[[Mapping[str, Any]], float]:
    """Scores a table of scores, a column for each class: the share whose best is right."""
    return lambda outputs: float(np.mean(np.asarray(outputs[output]).argmax(1) == truth))


def r2(truth: np.ndarray, output: str) -> Callable[[Mapping[str, Any]], float]:
    """Scores numbers: the share of the variance that they explain."""

    def score(outputs: Mapping[str, Any]) -> float:
        left = np.asarray(outputs[output], float).ravel() - truth
        return float(1 - np.mean(left**2) / np.var(truth))

    return score
