"""Whether labels seem to be of the model: what it answers nothing right to has nothing to lose."""

from __future__ import annotations

import numpy as np

from aimass.compression.evaluate import Judge
from aimass.domain.errors import InvalidArguments


def check_labels(metric: str, judged: Judge) -> tuple[str, ...]:
    """What is odd about them, in words. Raises InvalidArguments where the original is right less often than by chance.

    Labels in another order than the model's outputs would make any budget hold.
    """
    value = judged.metric(metric).value
    if value is None or judged.labels is None:
        return ()
    reached = value(judged.original, judged.labels)
    if judged.labels.kind == "numbers":
        return (f"the original's R2 is {reached:.3f}: a constant would answer as well",) if reached <= 0 else ()
    if metric != "accuracy" or judged.labels.values.ndim > 1:
        return ()
    _, counts = np.unique(judged.labels.values, return_counts=True)
    shares = counts / counts.sum()
    if len(counts) > 1 and reached < (shares**2).sum() / 2:
        text = (
            f"the original is right on {reached:.1%} of these rows, less than chance: are the labels those of its "
            "classes, in the order of its outputs?"
        )
        raise InvalidArguments.of_fields({"data": text})
    if len(counts) > 1 and reached < shares.max():
        return (f"the original is right on {reached:.1%} of these rows, and {shares.max():.1%} are of one class",)
    return ()
