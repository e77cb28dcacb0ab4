import subprocess
import sys
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.formats.packed import level, pack, pays, unpack

CONTENTS = st.one_of(
    st.binary(max_size=4000),
    st.builds(lambda part, times: part * times, st.binary(min_size=1, max_size=40), st.integers(1, 60_000)),
)


@pytest.fixture
def packed(tmp_path):
    def make(content):
        source, target = tmp_path / "source", tmp_path / "packed.zst"
        source.write_bytes(content)
        pack(source, target)
        return target

    return make


@settings(max_examples=60)
@given(CONTENTS, st.integers(0, 3_000_000))
def test_what_is_packed_unpacks_to_the_same_bytes_and_to_no_more_than_was_announced(content, most):
    with TemporaryDirectory() as folder:
        source, target, plain = (Path(folder) / name for name in ("source", "packed", "plain"))
        source.write_bytes(content)
        assert pack(source, target) == target.stat().st_size
        assert unpack(target, plain, len(content)) == len(content)
        assert plain.read_bytes() == content
        if most >= len(content):
            assert unpack(target, plain, most) == len(content)
            return
        with pytest.raises(ValueError, match="more than"):
            unpack(target, plain, most)
        assert plain.stat().st_size <= most


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_refused(content):
    with TemporaryDirectory() as folder:
        plain = Path(folder) / "plain"
        with suppress(ValueError):
            unpack(BytesIO(content), plain, 1000)
        assert plain.stat().st_size <= 1000


def test_the_same_file_packs_to_the_same_bytes(packed):
    first = packed(b"tree" * 100_000).read_bytes()
    assert packed(b"tree" * 100_000).read_bytes() == first
    assert zstd.decompress(first) == b"tree" * 100_000


def test_more_than_was_announced_is_refused_before_it_is_written(packed, tmp_path):
    with pytest.raises(ValueError, match="more than 1,000 bytes"):
        unpack(packed(bytes(20 << 20)), tmp_path / "plain", most=1_000)
    assert (tmp_path / "plain").stat().st_size == 0


@pytest.mark.parametrize("spoil", [lambda content: content[:-3], lambda content: b"no" + content])
def test_a_damaged_file_is_refused(packed, tmp_path, spoil):
    target = packed(np.random.default_rng(0).bytes(5_000))
    target.write_bytes(spoil(target.read_bytes()))
    with pytest.raises(ValueError, match="no whole Zstandard file"):
        unpack(target, tmp_path / "plain", most=10_000)


def test_packing_pays_where_it_saves_a_tenth():
    assert pays(900, 1000)
    assert not pays(901, 1000)


def test_larger_files_take_faster_levels():
    assert [level(size) for size in (1 << 10, 100 << 20, 1 << 30)] == [19, 12, 3]


def test_who_reads_artifacts_loads_no_zstandard_and_no_numpy():
    program = (
        "import sys, aimass.adapters.aws.artifacts, aimass.adapters.aws.signed.artifacts, aimass.formats.packed;"
        "print(sorted({'backports.zstd', 'compression.zstd', 'numpy', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
