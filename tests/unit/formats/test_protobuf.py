from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import StringStringEntryProto, TensorProto

from aimass.formats.protobuf import BYTES, FIXED32, VARINT, CutShort, Field, Malformed, fields


def test_it_yields_each_field_with_its_payload() -> None:
    content = StringStringEntryProto(key="location", value="weights.bin").SerializeToString()
    assert [(field.number, field.wire, content[field.start : field.end]) for field in fields(content)] == [
        (1, BYTES, b"location"),
        (2, BYTES, b"weights.bin"),
    ]


def test_it_reads_a_varint_of_many_bytes() -> None:
    content = TensorProto(dims=[1 << 40]).SerializeToString()
    assert [(field.number, field.wire, field.value) for field in fields(content)] == [(1, VARINT, 1 << 40)]


def test_it_steps_over_fixed_sizes() -> None:
    assert list(fields(b"\x0d\x00\x00\x80\x3f\x10\x01")) == [Field(1, FIXED32, 1, 5), Field(2, VARINT, 6, 7, 1)]


def test_it_names_the_field_in_which_a_message_ends() -> None:
    content = StringStringEntryProto(key="location", value="weights.bin").SerializeToString()
    with pytest.raises(CutShort) as caught:
        list(fields(content[:-1]))
    assert caught.value.field is not None
    assert caught.value.field.number == 2


@pytest.mark.parametrize("content", [b"\x00\x01", b"\x0b\x01", b"\x0f", b"\x08" + b"\xff" * 10])
def test_what_is_no_message_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        list(fields(content))


@given(st.binary(max_size=200))
def test_it_ends_on_any_bytes_and_stays_within_them(content: bytes) -> None:
    try:
        for field in fields(content):
            assert 0 < field.start <= field.end <= len(content)
    except Malformed:
        pass


@given(st.text(max_size=50), st.text(max_size=50))
def test_it_agrees_with_the_library(key: str, text: str) -> None:
    content = StringStringEntryProto(key=key, value=text).SerializeToString()
    assert {field.number: content[field.start : field.end].decode() for field in fields(content)} == {1: key, 2: text}
