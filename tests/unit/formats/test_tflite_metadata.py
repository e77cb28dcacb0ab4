"""Labels packed behind a TensorFlow Lite model, as its metadata has them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from aimass.formats.converters._tflite_metadata import packed_labels

MODEL = b"the model"


def _packed(folder: Path) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(MODEL)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", "hot\ncold\n")
    return path


def _encrypted(written: bytearray) -> None:
    """The flag says so, in the member's header and in the directory."""
    written[written.index(b"PK\x03\x04") + 6] |= 1
    written[written.index(b"PK\x01\x02") + 8] |= 1


def _damaged(written: bytearray) -> None:
    """The first block of what is compressed is of no known type."""
    written[written.index(b"labels.txt") + len("labels.txt")] = 0x07


def test_they_are_the_lines_of_the_one_list(tmp_path: Path) -> None:
    assert packed_labels(_packed(tmp_path)) == ["hot", "cold"]


@pytest.mark.parametrize("spoil", [_encrypted, _damaged])
def test_a_list_that_can_t_be_read_is_none(tmp_path: Path, spoil: Callable[[bytearray], None]) -> None:
    path = _packed(tmp_path)
    written = bytearray(path.read_bytes())
    spoil(written)
    path.write_bytes(written)
    assert packed_labels(path) == ()
