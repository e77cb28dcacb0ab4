from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from aimass.compression.contract import Ask, NotApplicable, Rows
from aimass.compression.model_file import divergence
from aimass.compression.passes._blocks import nearest
from aimass.compression.passes.matmul_nbits import PASS
from tests.unit.compression.quantizing import both, model, normal, operators, value, words, work


@pytest.mark.parametrize(("bits", "most"), [(8, 0.02), (4, 0.2)])
def test_both_products_and_the_table_are_packed(tmp_path: Path, bits: int, most: float) -> None:
    done = work(tmp_path, *words())
    applied = PASS.apply(done, {"bits": bits})
    assert [unit.name for unit in applied.units] == ["first", "second", "look-up"]
    assert operators(done.target).count("MatMulNBits") == 2
    assert divergence(*both(done)) < most


def test_inputs_that_fill_no_whole_block(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "odd")]
    made = model(nodes, [value("x", ["n", 75])], [value("y", None)], {"w": normal(75, 33)})
    done = work(tmp_path, made, Rows({"x": normal(16, 75)}))
    PASS.apply(done, {"bits": 4})
    assert divergence(*both(done)) < 0.2


def test_a_spared_product_stays(tmp_path: Path) -> None:
    done = work(tmp_path, *words())
    assert [unit.name for unit in PASS.apply(done, {"bits": 4, "spare": ["first"]}).units] == ["second", "look-up"]
    with pytest.raises(NotApplicable):
        PASS.apply(done, {"bits": 4, "spare": ["first", "second"]})


def test_eight_bits_are_for_what_reads_more_than_it_computes(tmp_path: Path) -> None:
    profile = work(tmp_path, *words()).profile
    small, large = (replace(profile, weights={"MatMul": size}) for size in (100_000, 100_000_000))
    assert [one["bits"] for one in PASS.propose(small, Ask())] == [4]
    assert [one["bits"] for one in PASS.propose(large, Ask())] == [8, 4]


@settings(max_examples=60)
@given(st.sampled_from([4, 8]), st.integers(0, 10_000), st.sampled_from([0.0, 1e-20, 1.0, 1e20]))
def test_blocks_are_never_further_off_than_plain_rounding(bits: int, seed: int, scale: float) -> None:
    blocks = normal(3, 2, 32, seed=seed) * np.float32(scale)
    whole, scales = nearest(blocks, bits)
    middle = 1 << (bits - 1)
    off = np.square(((whole.astype(float) - middle) * scales - blocks) / (scale or 1)).sum()
    step = np.abs(blocks / (scale or 1)).max(axis=-1, keepdims=True) / middle
    assert off <= 32 * np.square(step).sum()
    assert whole.max() <= 2 * middle - 1
