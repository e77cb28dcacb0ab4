"""How far two answers may be apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aimass.domain.conversion import Difference
from aimass.sandbox.tasks.compared import compared
from aimass.sandbox.tasks.judge import judge

FLOAT, DOUBLE, INT, STRING = "tensor(float)", "tensor(double)", "tensor(int64)", "tensor(string)"


def difference(reference: Any, got: Any, kind: str = FLOAT, rows: int | None = None) -> Difference:
    return judge("y", kind, [compared(reference, got, len(reference) if rows is None else rows)]).difference


@pytest.mark.parametrize(
    ("kind", "dtype", "inside", "outside"),
    [
        ("tensor(float16)", np.float16, 1e-2, 5e-2),
        (FLOAT, np.float32, 1e-5, 1e-3),
        (DOUBLE, np.float64, 1e-7, 1e-5),
    ],
)
def test_the_tolerance_follows_the_type(kind: str, dtype: Any, inside: float, outside: float) -> None:
    one = np.linspace(1, 2, 12).reshape(4, 3)
    assert difference(one.astype(dtype), (one * (1 + inside)).astype(dtype), kind).within
    assert not difference(one.astype(dtype), (one * (1 + outside)).astype(dtype), kind).within


def test_a_double_beside_a_float_is_held_to_the_float_s() -> None:
    one = np.array([[0.1], [0.7]])
    assert difference(one, one.astype(np.float32)).within


def test_small_outputs_are_not_within_by_being_small() -> None:
    one = np.full((8, 2), 1e-7, np.float32)
    found = difference(one, one * 2)
    assert not found.within
    assert found.largest_absolute == pytest.approx(1e-7)
    assert found.largest_relative == pytest.approx(1.0)


def test_a_value_near_zero_is_measured_by_its_output_s_usual_size() -> None:
    one = np.array([[1.0, 1e-9], [1.0, 0.0]], np.float32)
    found = difference(one, one + np.float32(1e-6))
    assert found.within
    assert found.largest_relative == pytest.approx(1.4e-6, rel=0.1)


def test_one_huge_row_does_not_excuse_the_others() -> None:
    one = np.ones((9, 1), np.float32)
    one[0] = 1e30
    other = one.copy()
    other[5] = 1.5
    assert not difference(one, other).within


def test_a_wrong_column_is_not_excused_by_a_large_one() -> None:
    one = np.random.default_rng(0).normal(size=(64, 2)) * [1e6, 1]
    other = one.copy()
    other[:, 1] += 1
    found = difference(one.astype(np.float32), other.astype(np.float32))
    assert not found.within
    assert found.absolute < 1e-3
    assert difference(one.astype(np.float32), (one * (1 + 1e-6)).astype(np.float32)).within


def test_a_column_that_is_always_zero_is_not_excused_by_a_large_one() -> None:
    one = np.tile(np.float32([1e6, 0]), (64, 1))
    assert not difference(one, one + np.float32([0, 1])).within
    assert difference(one, one + np.float32([0, 1e-3])).within


def test_a_small_probability_is_measured_by_its_row() -> None:
    small = np.linspace(1e-7, 1e-6, 64)
    one = np.stack([1 - small, small], 1).astype(np.float32)
    assert difference(one, one + np.float32(3e-6)).within


def test_a_value_of_a_wide_row_is_measured_by_its_row_as_well() -> None:
    one = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    one[:, 3] *= 1e-6
    assert difference(one, one + np.float32(3e-6)).within
    assert not difference(one, one + np.float32(3e-4)).within


def test_values_that_single_precision_has_as_zero_do_not_make_a_column_small() -> None:
    one = np.array([[1e-3], [1e-238], [1e-268], [1e-270]])
    assert difference(one, one.astype(np.float32)).within


def test_nan_is_nan_and_an_infinity_itself() -> None:
    one = np.array([[np.nan], [np.inf], [-np.inf], [1.0]], np.float32)
    assert difference(one, one.copy()).within
    for other in (
        [[0.0], [np.inf], [-np.inf], [1.0]],
        [[np.nan], [-np.inf], [-np.inf], [1.0]],
        [[np.nan], [9.0], [-np.inf], [1.0]],
    ):
        found = difference(one, np.array(other, np.float32))
        assert not found.within
        assert np.isfinite([found.largest_absolute, found.largest_relative]).all()


def test_labels_agree_in_a_share_of_rows() -> None:
    found = difference(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 5]), INT)
    assert (found.agreement, found.within, found.largest_absolute) == (0.75, False, None)
    texts = np.array(["a", "b"], object)
    assert difference(texts, np.array(["a", "b"]), STRING).within
    assert difference(texts, np.array(["a", "c"]), STRING).agreement == 0.5


def test_labels_of_another_kind_do_not_agree() -> None:
    assert difference(np.array([1, 2]), np.array(["1", "2"], object), STRING).agreement == 0


def test_whole_numbers_that_no_double_holds_are_told_apart() -> None:
    assert not difference(np.array([2**63 - 1]), np.array([2**63 - 2]), INT).within


def test_scores_tell_in_how_many_rows_the_best_column_is_the_same() -> None:
    one = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    assert difference(one, one[:, ::-1]).agreement == 0
    assert difference(one, one).agreement == 1


def test_a_sequence_of_maps_is_compared_with_the_matrix_it_stands_for() -> None:
    maps = [{0: 0.25, 1: 0.75}, {1: 0.5, 0: 0.5}]
    found = difference(np.array([[0.25, 0.75], [0.5, 0.5]]), maps, "seq(map(int64,tensor(float)))")
    assert (found.within, found.datatype) == (True, "BYTES")
    assert not difference(np.array([[0.25, 0.75], [0.4, 0.6]]), maps, "seq(map(int64,tensor(float)))").within


def test_a_sequence_of_tensors_is_compared_one_by_one() -> None:
    one = [np.zeros((2, 3), np.float32), np.ones(4, np.float32)]
    assert difference(one, [part.copy() for part in one], "seq(tensor(float))", rows=1).within
    assert not difference(one, one[::-1][:1], "seq(tensor(float))", rows=1).within


def test_a_dimension_of_one_more_or_less_is_no_difference() -> None:
    assert difference(np.float32([1, 2]), np.float32([[1], [2]])).within


def test_another_shape_can_t_be_compared_and_says_so() -> None:
    found = judge("y", FLOAT, [compared(np.zeros((2, 3)), np.zeros((2, 4)), 2)])
    assert not found.difference.within
    assert found.misfit == "the original answers the shape [2, 3], the ONNX model [2, 4]"


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0,)])
def test_empty_answers_agree(shape: tuple[int, ...]) -> None:
    assert difference(np.zeros(shape, np.float32), np.zeros(shape, np.float32)).within


def test_a_small_channel_of_a_picture_is_not_excused_by_large_ones() -> None:
    one = np.random.default_rng(0).normal(size=(8, 3, 4, 4)).astype(np.float32)
    one[:, :2] *= 1e3
    other = one.copy()
    other[:, 2] += 0.05
    assert not difference(one, other).within
    assert difference(one, one * np.float32(1 + 1e-6)).within


def test_a_small_class_of_every_token_is_not_excused_by_large_ones() -> None:
    one = np.random.default_rng(0).normal(size=(8, 5, 3)).astype(np.float32) * np.float32([1e3, 1e3, 1])
    other = one + np.float32([0, 0, 0.05])
    assert not difference(one, other).within


def test_the_rounding_of_a_picture_of_one_size_is_within() -> None:
    one = np.random.default_rng(0).normal(size=(4, 3, 8, 8)).astype(np.float32)
    assert difference(one, one + np.float32(1e-5)).within


def test_rows_that_are_left_out_decide_nothing() -> None:
    one = np.linspace(1, 2, 12).reshape(6, 2)
    other = one.copy()
    other[3] = 9
    left_out = np.arange(6) == 3
    found = judge("y", DOUBLE, [compared(one, other, 6)], [left_out])
    assert (found.difference.within, found.difference.largest_absolute) == (True, 0.0)
    assert [len(rows) for rows in (*found.beyond, *found.excess, *found.tied)] == [6, 6, 6]
    assert not judge("y", DOUBLE, [compared(one, other, 6)], [~left_out]).difference.within
