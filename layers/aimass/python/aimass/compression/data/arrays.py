"""NumPy's files, read by header and buffer: nothing is unpickled, and of large ones only the rows that are used."""

from __future__ import annotations

import math
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format

from aimass.compression.data.limits import Limits, wrong
from aimass.compression.data.sampling import chosen

Array = np.ndarray[Any, Any]
#: Opens the bytes of an array, and says how many they are.
Opened = tuple[IO[bytes], int]

_HEADERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
_MOST_HEADER_BYTES = 10_000  # numpy's own limit: it evaluates the header as a Python literal
_MOST_ARRAYS = 1_000
_WRITTEN = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # what numpy writes; others inflate without a bound
_CHUNK = 8 << 20


def read_npz(path: Path, limits: Limits) -> tuple[dict[str, Array], int]:
    """The arrays by name, of a sample of the rows where there are more than are used, and how many rows there were."""
    with _damage_named(path.name), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > _MOST_ARRAYS:
            raise wrong(path.name, f"more than {_MOST_ARRAYS} arrays")
        opens: dict[str, Callable[[], Opened]] = {}
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name in opens:
                raise wrong(path.name, f"holds {name[:80]!r} twice")
            if member.compress_type not in _WRITTEN or member.flag_bits & 1:
                raise wrong(path.name, f"{name[:80]!r} is encrypted, or compressed as numpy does not write")
            opens[name] = _opener(archive, member)
        return _read(path.name, opens, limits)


def read_npy(files: Mapping[str, Path], limits: Limits) -> tuple[dict[str, Array], int]:
    """The arrays of `.npy` files, as of an npz."""
    opens = {name: _file_opener(path) for name, path in files.items()}
    return _read("the .npy files" if len(files) > 1 else next(iter(files.values())).name, opens, limits)


def _opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], Opened]:
    return lambda: (archive.open(member), member.file_size)


def _file_opener(path: Path) -> Callable[[], Opened]:
    return lambda: (path.open("rb"), path.stat().st_size)


def _read(file: str, opens: Mapping[str, Callable[[], Opened]], limits: Limits) -> tuple[dict[str, Array], int]:
    """Headers first: how many rows there are, and how many of them may be held, is known before any is read."""
    headers = {}
    for name, opened in opens.items():
        stream, size = opened()
        with stream:
            headers[name] = _header(f"{file}, array {name[:80]!r}", stream, size)
    if not headers:
        raise wrong(file, "holds no array")
    rows = max((shape[0] for shape, _, _ in headers.values() if shape), default=0)
    row_bytes = sum(
        math.prod(shape[1:]) * dtype.itemsize for shape, _, dtype in headers.values() if shape and shape[0] == rows
    )
    numbers = chosen(rows, min(limits.rows, max(1, limits.encoded // max(row_bytes, 1))))
    arrays = {}
    for name, opened in opens.items():
        stream, size = opened()
        with stream:
            shape, fortran, dtype = _header(name, stream, size)
            if shape and shape[0] == rows:
                arrays[name] = _rows(f"{file}, array {name[:80]!r}", stream, (shape, fortran, dtype), numbers, limits)
            else:
                arrays[name] = _whole(f"{file}, array {name[:80]!r}", stream, (shape, fortran, dtype), limits)
    return arrays, rows


_Header = tuple[tuple[int, ...], bool, np.dtype[Any]]


def _header(file: str, stream: IO[bytes], size: int) -> _Header:
    """Shape, order and type; what it claims must be the bytes that follow."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of literals that Python 2 wrote
            version = npy_format.read_magic(stream)
            if version not in _HEADERS:
                raise ValueError(f"version {version} of the format, of structured arrays")
            shape, fortran, dtype = _HEADERS[version](stream, max_header_size=_MOST_HEADER_BYTES)
    except (OSError, zlib.error, zipfile.BadZipFile):
        raise
    except Exception as error:  # a header is a Python literal, and a broken one raises whatever Python's parser does
        raise wrong(file, f"its .npy header cannot be read: {str(error)[:200]}") from error
    if dtype.hasobject:
        raise wrong(file, "holds pickled Python objects, which are never opened; save numbers or strings ('U')")
    if dtype.kind not in "biufSUV" or dtype.names or dtype.subdtype:
        raise wrong(file, f"holds {str(dtype)[:80]}, which no input takes; save numbers, booleans or strings")
    claimed, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if claimed != there:
        raise wrong(file, f"its header says {dtype} of shape {list(shape)}, {claimed} bytes, and {there} follow")
    return shape, fortran, dtype


def _whole(file: str, stream: IO[bytes], header: _Header, limits: Limits) -> Array:
    shape, fortran, dtype = header
    size = math.prod(shape) * dtype.itemsize
    if size > limits.encoded:
        raise wrong(file, f"is {size} bytes; at most {limits.encoded} fit in memory")
    data = stream.read(size)
    if len(data) != size:
        raise wrong(file, "is cut short")
    return np.ndarray(shape, dtype, data, order="F" if fortran else "C")


def _rows(file: str, stream: IO[bytes], header: _Header, numbers: Sequence[int], limits: Limits) -> Array:
    """The rows of those numbers, a few MiB at a time."""
    shape, fortran, dtype = header
    if fortran and len(shape) > 1:  # rows do not lie together
        return _whole(file, stream, header, limits)[numbers]
    row_bytes = math.prod(shape[1:]) * dtype.itemsize
    out = np.empty((len(numbers), *shape[1:]), dtype)
    if not row_bytes or not numbers:
        return out
    step = max(1, _CHUNK // row_bytes)
    wanted = np.asarray(numbers)
    for start in range(0, shape[0], step):
        count = min(step, shape[0] - start)
        data = stream.read(count * row_bytes)
        if len(data) != count * row_bytes:
            raise wrong(file, f"is cut short at row {start}")
        first, last = np.searchsorted(wanted, [start, start + count])
        block = np.ndarray((count, *shape[1:]), dtype, data)
        out[first:last] = block[wanted[first:last] - start]
    return out


@contextmanager
def _damage_named(file: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise wrong(file, f"the .npz file cannot be read: {str(error)[:200]}") from error
