"""Sequences, maps and optionals, whatever they hold, come back from their JSON text."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aimass.domain.datatypes import parse_type
from aimass.inference.jsontext import dumps, loads
from aimass.inference.structured import decode_structured, encode_structured

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)
REALS = hnp.arrays(np.float32, SHAPES)
WHOLE = st.integers(-(2**63), 2**63 - 1)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "seq(tensor(float))": st.lists(REALS, max_size=3),
    "seq(tensor(int64))": st.lists(hnp.arrays(np.int64, SHAPES), max_size=3),
    "seq(tensor(string))": st.lists(hnp.arrays(object, SHAPES, elements=st.text()), max_size=3),
    "optional(tensor(double))": st.none() | hnp.arrays(np.float64, SHAPES),
    "optional(seq(tensor(float)))": st.none() | st.lists(REALS, max_size=3),
    "map(int64,tensor(float))": st.dictionaries(WHOLE, st.floats(width=32), max_size=4),
    "map(string,tensor(int64))": st.dictionaries(st.text(), WHOLE, max_size=4),
    "seq(map(int64,tensor(float)))": st.lists(st.dictionaries(WHOLE, st.floats(width=32), max_size=3), max_size=3),
}


def same(wanted, got):
    if isinstance(wanted, list):
        return len(wanted) == len(got) and all(map(same, wanted, got))
    if isinstance(wanted, dict):
        return wanted.keys() == got.keys() and all(same(wanted[key], got[key]) for key in wanted)
    if isinstance(wanted, np.ndarray):
        same_kind = (wanted.dtype, wanted.shape) == (got.dtype, got.shape)
        return same_kind and np.array_equal(wanted, got, equal_nan=wanted.dtype.kind == "f")
    return wanted == got or (wanted != wanted and got != got)


@pytest.mark.parametrize("onnx_type", KINDS)
@given(st.data())
def test_what_was_encoded_is_decoded(onnx_type, data):
    value, kind = data.draw(KINDS[onnx_type]), parse_type(onnx_type)
    assert same(value, decode_structured("x", kind, loads(dumps(encode_structured(kind, value)))))
