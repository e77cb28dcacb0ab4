"""A few of the kills that `make chaos` makes by the hundred."""

import random

import pytest

from benchmarks.chaos import Chaos
from benchmarks.stack import OwnStack
from tests.e2e.conftest import two_free_ports

pytestmark = pytest.mark.e2e
KILLS = 4


def test_killed_at_random_moments_nothing_acknowledged_is_lost(tmp_path):
    chaos = Chaos(OwnStack(tmp_path / "state", two_free_ports()), random.Random(5))
    try:
        chaos.run(KILLS)
    finally:
        chaos.stack.stop()
    assert (chaos.lost, chaos.inconsistent) == ([], [])
    assert chaos.kills.total() == KILLS
    assert chaos.ledger.acknowledged > KILLS
