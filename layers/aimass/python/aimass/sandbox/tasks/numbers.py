"""Two tables of numbers, and how far apart they are."""

from __future__ import annotations

import numpy as np

from aimass.sandbox.tasks.compared import Array, Compared, doubles


class Numbers:
    """NaN equals NaN, and an infinity itself; beside anything else both are beyond.

    `usual` are the usual sizes of a line's values. `excess` is by row how often the tolerance goes into the difference,
    `absolute` what the column furthest beyond its tolerance may be off.
    """

    def __init__(self, one: Compared, usual: Array, relative: float) -> None:
        reference, got = doubles(one.reference), doubles(one.got)
        finite = np.isfinite(reference) & np.isfinite(got)
        same = (np.isnan(reference) & np.isnan(got)) | (reference == got)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.where(finite, np.abs(reference - got), 0.0)
            size = np.where(finite, np.abs(reference), 0.0)
            allowed = relative * usual + relative * size
        self.largest = float(np.max(apart, initial=0.0))
        self.largest_relative = float(np.max(apart / np.maximum(size, usual), initial=0.0))
        self.beyond: Array = np.any(~same & (~finite | (apart > allowed)), axis=1)
        excess = apart / np.maximum(allowed, np.finfo(np.float64).tiny)
        self.worst = float(np.max(excess, initial=0.0))
        self.absolute = float(relative * usual[np.argmax(excess) % len(usual)]) if excess.size else 0.0
        self.excess: Array = np.max(np.where(same | finite, excess, np.inf), axis=1, initial=0.0)
        scores = one.scores and bool(finite.all())
        self.best_agree = reference.argmax(1) == got.argmax(1) if scores else None
        self.tied: Array = _ties(reference, allowed) if scores else np.zeros((len(reference), 0), bool)


def _ties(reference: Array, allowed: Array) -> Array:
    """Columns that are the best, or may change places with it within the tolerance."""
    best = reference.argmax(1)[:, np.newaxis]
    behind = np.take_along_axis(reference, best, 1) - reference
    tied: Array = behind <= allowed + np.take_along_axis(allowed, best, 1)
    return tied
