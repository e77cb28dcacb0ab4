from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.errors import InvalidModel, TruncatedModel
from aimass.formats.gguf_header import MAX_ITEMS, read_header
from tests.unit.formats.gguf_files import ARRAY, BOOL, FLOAT, STRING, U32, U64, gguf, llama, text

SCALARS = st.one_of(
    st.tuples(st.just(U32), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(U64), st.integers(0, 2**64 - 1)),
    st.tuples(st.just(BOOL), st.booleans()),
    st.tuples(st.just(STRING), st.text(max_size=20)),
)
ARRAYS = st.one_of(
    st.tuples(st.just(U32), st.lists(st.integers(0, 9), max_size=5)),
    st.tuples(st.just(STRING), st.lists(st.text(max_size=5), max_size=5)),
)
METADATA = st.dictionaries(st.text(max_size=10), SCALARS | st.tuples(st.just(ARRAY), ARRAYS), max_size=8)


@given(METADATA.filter(lambda told: "general.alignment" not in told), st.lists(st.integers(0, 9), max_size=4))
def test_what_was_written_is_read(metadata: dict[str, tuple[int, Any]], shape: list[int]) -> None:
    elements = 1
    for size in shape:
        elements *= size
    header = read_header(gguf(metadata, {"w": (shape, 0)}, elements * 4))
    told = {key: len(content[1]) if kind == ARRAY else content for key, (kind, content) in metadata.items()}
    assert (header.version, header.metadata, header.tensors, header.parameters) == (3, told, 1, elements)


@given(st.binary(max_size=400))
def test_random_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(InvalidModel, TruncatedModel):
        read_header(b"GGUF" + content)


@given(st.integers(4, len(llama()) - 1), st.binary(min_size=1, max_size=9))
def test_a_changed_file_is_read_or_refused(position: int, change: bytes) -> None:
    content = llama()
    with suppress(InvalidModel, TruncatedModel):
        read_header(content[:position] + change + content[position + len(change) :])


@given(st.integers(4, len(llama()) - 1))
def test_a_file_cut_short_is_refused(size: int) -> None:
    with pytest.raises(TruncatedModel, match="cut short"):
        read_header(llama()[:size])


@pytest.mark.parametrize("lies", [{"keys": 1 << 63}, {"count": 1 << 63}, {"keys": MAX_ITEMS + 1}])
def test_a_count_beyond_all_models_is_refused_before_anything_is_read(lies: dict[str, int]) -> None:
    with pytest.raises(InvalidModel, match=f"announces .* at most {MAX_ITEMS}"):
        read_header(gguf({}, **lies))


def one(kind: int, content: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("k") + struct.pack("<I", kind) + content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (one(STRING, struct.pack("<Q", 1 << 63)), "has a text of"),
        (one(STRING, struct.pack("<Q", 1 << 20)), "ends behind its end"),
        (one(ARRAY, struct.pack("<IQ", FLOAT, 1 << 62)), "ends behind its end"),
        (one(ARRAY, struct.pack("<IQ", STRING, 1 << 62)), "announces"),
        (one(ARRAY, struct.pack("<IQQ", STRING, 1, 1 << 63)), "ends behind its end"),
        (one(ARRAY, struct.pack("<IQ", ARRAY, 1) * 6), "nested too deep"),
        (one(99, b""), "a value of the type 99"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1 << 40), "has a text of"),
        (gguf({}, {"w": ((1,) * 5, 0)}, 4), "5 dimensions"),
        (gguf({}, version=1), "of version 1; 2 and 3 are known"),
    ],
)
def test_a_header_that_lies_is_refused_by_what_it_says(content: bytes, message: str) -> None:
    with pytest.raises((InvalidModel, TruncatedModel), match=message):
        read_header(content)


@pytest.mark.parametrize("shape", [(1 << 40, 1 << 40), (13,)])
def test_tensors_that_end_behind_the_file_are_noticed(shape: tuple[int, ...]) -> None:
    with pytest.raises(TruncatedModel, match="bytes are announced"):
        read_header(gguf({}, {"w": (shape, 0)}, 48))


def test_a_tensor_of_an_unknown_type_has_no_more_elements_than_its_file_has_bits() -> None:
    shape = struct.pack("<I", 2) + struct.pack("<Q", 1 << 40) * 2
    content = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + text("w") + shape + struct.pack("<IQ", 99, 0) + bytes(64)
    with pytest.raises(InvalidModel, match=f"gives the tensor 'w' {1 << 80} elements, more than it has bits"):
        read_header(content)


def test_a_key_given_twice_is_refused() -> None:
    pair = text("k") + struct.pack("<II", U32, 1)
    with pytest.raises(InvalidModel, match="gives 'k' twice"):
        read_header(b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + pair * 2)


def test_a_file_of_a_big_endian_machine_is_read() -> None:
    pair = struct.pack(">Q", 1) + b"k" + struct.pack(">II", U32, 7)
    assert read_header(b"GGUF" + struct.pack(">IQQ", 3, 0, 1) + pair).metadata == {"k": 7}
