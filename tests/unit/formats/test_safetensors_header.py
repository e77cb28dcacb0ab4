from __future__ import annotations

import json
import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.errors import InvalidModel, TruncatedModel
from aimass.formats.safetensors_header import MAX_TENSORS, read_header


def file(header: Any, data: int = 0) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


def tensor(begin: int, end: int, shape: list[Any] | None = None, dtype: str = "U8") -> dict[str, Any]:
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape, "data_offsets": [begin, end]}


@given(st.dictionaries(st.text(max_size=9).filter(lambda name: name != "__metadata__"), st.integers(0, 9), max_size=6))
def test_what_was_written_is_read(sizes: dict[str, int]) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, size in sizes.items():
        header[name] = tensor(at, at + 4 * size, [size, 1], "F32")
        at += 4 * size
    read = read_header(file(header, at))
    assert {name: found.elements for name, found in read.items()} == sizes


@given(st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(InvalidModel, TruncatedModel):
        read_header(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4), st.integers(0, 40))
def test_any_document_as_a_header_is_read_or_refused(header: dict[str, Any], data: int) -> None:
    with suppress(InvalidModel, TruncatedModel):
        read_header(file(header, data))


@pytest.mark.parametrize("length", [1 << 63, 300, (1 << 64) - 1])
def test_a_header_that_ends_behind_the_file_is_refused(length: int) -> None:
    with pytest.raises(TruncatedModel, match="cut short"):
        read_header(struct.pack("<Q", length) + b'{"a":1}')


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        (b"[" * 100_000, 0, "nested too deep"),
        (b'{"a":' * 100_000, 0, "nested too deep"),
        (b"[1]", 0, "no object"),
        (b'{"a": 1, "a": 2}', 0, "a key twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", 0, "no readable header"),
        ({"a": 1}, 0, "tensor 'a' wrongly"),
        ({"a": tensor(4, 0, [0])}, 4, "tensor 'a' wrongly"),
        ({"a": tensor(0, 4, [-4])}, 4, "tensor 'a' wrongly"),
        ({"a": tensor(0, 4, [True, 4])}, 4, "tensor 'a' wrongly"),
        ({"a": tensor(0, 4, [1 << 63])}, 4, "tensor 'a' wrongly"),
        ({"a": tensor(0, 4, [1] * 1000)}, 4, "tensor 'a' wrongly"),
        ({"a": tensor(0, 4, [2], "F32")}, 4, "its shape takes others"),
        ({"a": tensor(0, 4, [1 << 40] * 16, "F16X")}, 4, "its shape takes others"),
        ({"a": tensor(0, 4), "b": tensor(2, 6)}, 6, "tensor 'b' on top of another"),
        ({str(number): 0 for number in range(MAX_TENSORS + 1)}, 0, f"{MAX_TENSORS + 1} tensors; at most {MAX_TENSORS}"),
        (b" " * ((16 << 20) + 1), 0, "a header of 16777217 bytes"),
    ],
    ids=range(16),
)
def test_a_header_that_lies_is_refused_by_what_it_says(header: Any, data: int, message: str) -> None:
    with pytest.raises(InvalidModel, match=message):
        read_header(file(header, data))


def test_a_tensor_that_ends_behind_the_file_is_cut_short() -> None:
    with pytest.raises(TruncatedModel, match="cut short within the tensor 'a'"):
        read_header(file({"a": tensor(0, 5)}, 4))


def test_a_tensor_of_an_element_type_of_tomorrow_is_read() -> None:
    assert read_header(file({"a": tensor(0, 4, [2], "F16X")}, 4))["a"].elements == 2
