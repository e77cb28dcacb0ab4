from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aimass.compression.pack import level, pack, packed_size, unpack


def test_what_is_packed_unpacks_to_the_same_bytes_and_packs_to_the_same(tmp_path: Path) -> None:
    source, packed, plain = tmp_path / "model.onnx", tmp_path / "a.zst", tmp_path / "b.onnx"
    source.write_bytes(b"tree" * 100_000)

    size = pack(source, packed)

    assert size == packed.stat().st_size < 1_000
    assert unpack(packed, plain, most=400_000) == 400_000
    assert plain.read_bytes() == source.read_bytes()
    first = packed.read_bytes()
    pack(source, packed)
    assert packed.read_bytes() == first


def test_packing_that_does_not_pay_is_not_counted(tmp_path: Path) -> None:
    noise = tmp_path / "noise.onnx"
    noise.write_bytes(np.random.default_rng(0).bytes(50_000))

    assert packed_size(noise, tmp_path) == 50_000
    assert list(tmp_path.iterdir()) == [noise]


def test_more_than_was_announced_is_refused_before_it_is_written(tmp_path: Path) -> None:
    source, packed, plain = tmp_path / "zeros", tmp_path / "a.zst", tmp_path / "plain"
    source.write_bytes(bytes(20 << 20))
    pack(source, packed)

    with pytest.raises(ValueError, match="more than 1,000 bytes"):
        unpack(packed, plain, most=1_000)
    assert plain.stat().st_size == 0


@pytest.mark.parametrize("spoil", [lambda content: content[:-3], lambda content: b"no" + content])
def test_a_damaged_file_is_refused(tmp_path: Path, spoil: object) -> None:
    source, packed = tmp_path / "model", tmp_path / "a.zst"
    source.write_bytes(np.random.default_rng(0).bytes(5_000))
    pack(source, packed)
    packed.write_bytes(spoil(packed.read_bytes()))  # type: ignore[operator]

    with pytest.raises(ValueError, match="no whole Zstandard file"):
        unpack(packed, tmp_path / "plain", most=10_000)


def test_larger_files_take_faster_levels() -> None:
    assert [level(size) for size in (1 << 10, 100 << 20, 1 << 30)] == [19, 12, 3]
