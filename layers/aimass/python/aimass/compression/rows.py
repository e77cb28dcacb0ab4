"""The examples that a user gives, whatever their form, as a version's inputs with labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aimass.compression.data.arrays import read_npy, read_npz
from aimass.compression.data.encoding import encode_records
from aimass.compression.data.fitting import fit_rows
from aimass.compression.data.labels import Labels, labels_of
from aimass.compression.data.limits import Limits, is_label, wrong
from aimass.compression.data.picture_rows import encode_pictures
from aimass.compression.data.pictures import Album, album_in, album_of
from aimass.compression.data.sampling import sampled
from aimass.compression.data.tables import Records, read_csv, read_jsonl, read_parquet
from aimass.domain.model import Version
from aimass.formats import archive, zipped
from aimass.formats.content import mapped
from aimass.formats.member import is_clutter
from aimass.inference.described.tokenizers import OpenStored

Array = np.ndarray[Any, Any]
_LINES = {".jsonl", ".ndjson"}
_TABLES = {"csv": read_csv, "jsonl": read_jsonl, "parquet": read_parquet}


@dataclass(frozen=True)
class Data:
    """`inputs` by name, the first dimension being the row; `seen` is how many rows there were to choose from.

    `whole`: each row is the whole of one call, without the dimension that rows would share.
    """

    inputs: Mapping[str, Array]
    labels: Labels | None = None
    whole: bool = False
    seen: int = 0
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return min((len(array) for array in self.inputs.values()), default=0)


def read_rows(source: Path, version: Version, open_stored: OpenStored, limits: Limits | None = None) -> Data:
    """Reads a file, or a folder of pictures or `.npy` files; `open_stored` opens the version's tokenizer.

    npz, npy, CSV, JSON Lines, Parquet, or pictures in class folders, in an archive too: told by content. Values become
    what a prediction would make of them. Raises InvalidArguments naming file, row and column, UnsafeArchive.
    """
    limits = limits or Limits()
    files = [path for path in _files(source) if not is_clutter([path.name])]
    if not files:
        raise wrong(source.name, "no file is there")
    several = len(files) > 1
    data = _several(source, files, version, limits) if several else _one(files[0], version, open_stored, limits)
    if not len(data):
        raise wrong(files[0].name, "holds no row")
    return data


def _files(source: Path) -> list[Path]:
    if source.is_dir():
        return sorted(path for path in source.rglob("*") if path.is_file() and not path.is_symlink())
    return [source]


def _several(folder: Path, files: list[Path], version: Version, limits: Limits) -> Data:
    if all(path.suffix == ".npy" for path in files):
        arrays, seen = read_npy({path.stem: path for path in files}, limits)
        return _of_arrays("the .npy files", version, arrays, seen, limits)
    return _of_pictures(album_in(folder, limits), version, limits)


def _one(path: Path, version: Version, open_stored: OpenStored, limits: Limits) -> Data:
    form = form_of(path)
    if form == "npz":
        return _of_arrays(path.name, version, *read_npz(path, limits), limits)
    if form == "npy":
        name = version.inputs[0].name if len(version.inputs) == 1 else path.stem
        return _of_arrays(path.name, version, *read_npy({name: path}, limits), limits)
    if form == "archive":
        return _of_pictures(album_of(path, limits), version, limits)
    return _of_records(path.name, version, _TABLES[form](path, limits), open_stored, limits)


def form_of(path: Path) -> str:
    """`npz`, `npy`, `archive`, `parquet`, `jsonl` or `csv`. Raises InvalidArguments for what is none of them."""
    with mapped(path) as content:
        head = bytes(content[:4096])
        packed = zipped.recognise(content, ()) or archive.recognise(content, lambda _: None)
    if packed == "npz" or packed in archive.ARCHIVES:
        return "npz" if packed == "npz" else "archive"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"PAR1"):
        return "parquet"
    if packed or b"\0" in head:
        what = archive.TITLES.get(packed or "", "a file of another form")
        raise wrong(path.name, f"is {what}; send npz, npy, CSV, JSON Lines, Parquet, or pictures in a zip or tar.gz")
    return "jsonl" if head.lstrip()[:1] in {b"{", b"["} or path.suffix.lower() in _LINES else "csv"


def _of_arrays(file: str, version: Version, arrays: Mapping[str, Array], seen: int, limits: Limits) -> Data:
    inputs, whole = fit_rows(file, version.inputs, arrays, limits)
    names = {spec.name for spec in version.inputs}
    found = [name for name in arrays if is_label(name) and name not in names and len(arrays) > 1]
    if len(found) > 1:
        raise wrong(file, f"which of its arrays are the labels, {' or '.join(map(repr, found))}?")
    labels = labels_of(file, version, arrays[found[0]]) if found else None
    data = Data(inputs, labels, whole, seen, _sampled_note(seen, inputs))
    if labels is not None and len(labels) != len(data):
        raise wrong(file, f"has {len(labels)} labels and {len(data)} rows")
    return data


def _of_pictures(album: Album, version: Version, limits: Limits) -> Data:
    inputs, numbers = encode_pictures(version, album, limits)
    classes, seen = album.classes, len(album.paths)
    if classes is None:
        note = "all pictures lie in one folder: they have no labels"
        return Data(inputs, None, False, seen, (*_sampled_note(seen, inputs), note))
    places = [album.paths[number] for number in numbers]
    labels = labels_of(album.file, version, [classes[number] for number in numbers], places)
    return Data(inputs, labels, False, seen, _sampled_note(seen, inputs))


def _of_records(file: str, version: Version, records: Records, open_stored: OpenStored, limits: Limits) -> Data:
    kept, seen = sampled(file, records, limits)
    if not kept:
        raise wrong(file, "holds no row")
    inputs, labels, places = encode_records(file, version, kept, limits, open_stored)
    found = None if labels is None else labels_of(file, version, labels, places)
    return Data(inputs, found, False, seen, _sampled_note(seen, inputs))


def _sampled_note(seen: int, inputs: Mapping[str, Array]) -> tuple[str, ...]:
    used = min((len(array) for array in inputs.values()), default=0)
    return (f"of {seen} rows, {used} are used, drawn at random",) if used < seen else ()
