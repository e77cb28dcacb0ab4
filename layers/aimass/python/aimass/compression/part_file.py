"""A part of the rows as an npz file without pickles: what one state leaves for the next."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from aimass.compression.contract import Rows
from aimass.compression.data.labels import Labels
from aimass.compression.rows import Data
from aimass.inference.tensors import numpy_dtype

Array = np.ndarray[Any, Any]
_CHUNK = 8 << 20
_LABELS, _ABOUT = "labels", "about"


@dataclass(frozen=True)
class Part:
    """Rows with their labels, as `Data` has them."""

    inputs: Mapping[str, Array]
    labels: Labels | None
    whole: bool

    def rows(self, batch: int = 32) -> Rows:
        """As passes take them."""
        return Rows(self.inputs, batch, self.whole)

    def __len__(self) -> int:
        return min((len(array) for array in self.inputs.values()), default=0)


def write_part(path: Path, data: Data, rows: Array) -> None:
    """Writes the rows of those numbers, a few MiB at a time: the same bytes for the same rows.

    Inputs are numbered, for their names may be anything; `about` has their names. Texts are one text in UTF-8 and the
    byte at which each ends: an array of type `U` would make all as long as the longest.
    """
    about: dict[str, Any] = {"whole": data.whole, "inputs": [], "labels": data.labels and data.labels.kind}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for at, (name, array) in enumerate(data.inputs.items()):
            told = {"name": name, "shape": [len(rows), *array.shape[1:]], "dtype": _name_of(array.dtype)}
            about["inputs"].append(told)
            if array.dtype.kind == "O":
                _write_texts(archive, at, array[rows])
            else:
                _write(archive, f"input{at}", array, rows)
        if data.labels is not None:
            _write(archive, _LABELS, data.labels.values, rows)
        raw = np.frombuffer(json.dumps(about).encode(), np.uint8)
        _write(archive, _ABOUT, raw, np.arange(len(raw)))


def read_part(path: Path) -> Part:
    """What `write_part` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        about = json.loads(arrays[_ABOUT].tobytes())
        inputs = {one["name"]: _read(arrays, at, one) for at, one in enumerate(about["inputs"])}
        labels = Labels(about["labels"], arrays[_LABELS]) if about["labels"] else None
    return Part(inputs, labels, about["whole"])


def _name_of(dtype: np.dtype[Any]) -> str:
    return "BYTES" if dtype.kind == "O" else "BF16" if dtype.name == "bfloat16" else dtype.str


def _read(arrays: Mapping[str, Array], at: int, told: Mapping[str, Any]) -> Array:
    if told["dtype"] != "BYTES":
        array = arrays[f"input{at}"]
        return array.view(numpy_dtype("BF16")) if told["dtype"] == "BF16" else array
    raw, ends = arrays[f"input{at}"].tobytes(), arrays[f"ends{at}"].tolist()
    texts = np.empty(len(ends), object)
    texts[:] = [raw[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]
    return texts.reshape(told["shape"])


def _write_texts(archive: zipfile.ZipFile, at: int, texts: Array) -> None:
    raw = [one.encode() for one in texts.reshape(-1).tolist()]
    joined = np.frombuffer(b"".join(raw), np.uint8)
    _write(archive, f"input{at}", joined, np.arange(len(joined)))
    ends = np.cumsum([len(one) for one in raw], dtype=np.int64)
    _write(archive, f"ends{at}", ends, np.arange(len(ends)))


def _write(archive: zipfile.ZipFile, name: str, array: Array, rows: Array) -> None:
    stored = array.view(np.uint16) if array.dtype.name == "bfloat16" else array
    header = {"descr": npy_format.dtype_to_descr(stored.dtype), "fortran_order": False}
    with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as file:
        npy_format.write_array_header_1_0(file, header | {"shape": (len(rows), *stored.shape[1:])})
        for chunk in _chunks(stored, rows):
            file.write(chunk)


def _chunks(array: Array, rows: Array) -> Iterator[bytes]:
    row_bytes = max(1, array[:1].nbytes)
    step = max(1, _CHUNK // row_bytes)
    for at in range(0, len(rows), step):
        yield np.ascontiguousarray(array[rows[at : at + step]]).tobytes()
