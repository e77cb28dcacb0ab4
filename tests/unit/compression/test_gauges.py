from __future__ import annotations

from mmap import mmap

import pytest

from aimass.compression.gauges import peak_bytes, percentile, resident_bytes


def test_memory_that_was_held_and_given_back_is_in_the_peak() -> None:
    before = resident_bytes()
    if before is None:
        pytest.skip("this kernel does not let the peak count anew")
    with mmap(-1, 64 << 20) as held:  # past the allocator, which may have as much left over
        held.write(b"x" * len(held))
    assert peak_bytes() >= before + (60 << 20)


def test_a_percentile_is_one_of_the_times() -> None:
    times = [5.0, 1.0, 3.0, 2.0, 4.0]
    assert [percentile(times, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 3.0, 5.0, 5.0]
    assert percentile([7.0], 0.99) == 7.0
