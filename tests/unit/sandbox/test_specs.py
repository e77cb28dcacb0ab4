"""What a run shows of a model's outputs."""

from types import SimpleNamespace

import numpy as np
import pytest

from aimass.sandbox.tasks.specs import is_raw

FLOATS, WHOLE = SimpleNamespace(type="tensor(float)"), SimpleNamespace(type="tensor(int64)")


@pytest.mark.parametrize("shape", [(2, 3), (2, 5, 3)])
def test_scores_of_rows_or_tokens_below_0_or_above_1_are_raw(shape):
    scores = np.full(shape, 0.5, np.float32)
    assert not is_raw(FLOATS, scores)
    scores[1, 0] = -2
    assert is_raw(FLOATS, scores)
    assert not is_raw(WHOLE, scores.astype(np.int64))


def test_pictures_are_no_scores():
    assert not is_raw(FLOATS, np.full((1, 3, 8, 8), 9, np.float32))
