"""Runs in a process of its own with little memory: a prediction that asks for too much, and one after it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from aimass.domain.errors import PredictionOutOfMemory
from aimass.inference.dataplane import Asked
from aimass.inference.memory import limit_memory
from tests.unit.inference.models import growing, scaled
from tests.unit.inference.plane import TENANT, Shelf, predictor

SIZES = (10, 10**12, 10, 3 * 10**8, 2 * 10**8, 5 * 10**7, 10)


def main(megabytes: int) -> None:
    shelf, told = Shelf(), []
    shelf.add("growing", growing())
    shelf.add("scaled", scaled())
    limit_memory(megabytes)
    plane = predictor(shelf, Path(tempfile.mkdtemp()))
    for size in SIZES:
        told.append(sum_of(plane, size))
    version = plane.find_version(TENANT, "scaled", None)
    told.append(plane.predict(TENANT, Asked(version, {"x": np.ones((1, 4), np.float32)})).outputs[0][1].tolist())
    json.dump(told, sys.stdout)


def sum_of(plane, size):
    version = plane.find_version(TENANT, "growing", None)
    try:
        return float(plane.predict(TENANT, Asked(version, {"size": np.array([size])})).outputs[0][1])
    except PredictionOutOfMemory:
        return "out of memory"


main(int(sys.argv[1]))
