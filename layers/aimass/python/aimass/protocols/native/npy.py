"""NumPy's files as inputs: one array (`.npy`), or one for each input (`.npz`)."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.lib import format as npy_format

from aimass.domain.datatypes import is_tensor
from aimass.domain.errors import PayloadTooLarge
from aimass.domain.model import TensorSpec, Version
from aimass.inference.dataplane import Value
from aimass.inference.tensors import Array, bad_input, element_count, fit_shape, shape_text
from aimass.inference.values import check_names
from aimass.protocols.http import MAX_BODY_BYTES
from aimass.protocols.native.casts import cast
from aimass.protocols.native.given import Given, Payload, Prepare
from aimass.protocols.native.payloads import only_input, wrong_data

MAGIC = b"\x93NUMPY"
ZIP = b"PK\x03\x04"
_HEADERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
_MAX_HEADER_BYTES = 10_000  # numpy's own limit: it evaluates the header as a Python literal
_MAX_MEMBERS = 1000
_UNNAMED = "arr_0"
_WRITTEN = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # what numpy writes; others inflate without a bound


def array_file(body: bytes) -> Payload:
    """The array of a `.npy` file for the only input, or the arrays of an `.npz` by the inputs' names."""

    def read(version: Version, prepare: Prepare) -> Given:
        if body.startswith(ZIP):
            return Given(_inputs(version.inputs, _named(version.inputs, _members(body))))
        return Given({only_input(version.inputs).name: _read(version.inputs[0], body)})

    return read


def array_files(files: Mapping[str, bytes]) -> Payload:
    """Several `.npy` files, by the inputs' names."""
    return lambda version, prepare: Given(_inputs(version.inputs, files))


def _named(specs: Sequence[TensorSpec], members: dict[str, bytes]) -> dict[str, bytes]:
    """`np.savez(file, array)` calls an array that is given no name `arr_0`; alone, it is the only input."""
    if len(specs) == 1 and members.keys() == {_UNNAMED}:
        return {specs[0].name: members[_UNNAMED]}
    return members


def _inputs(specs: Sequence[TensorSpec], files: Mapping[str, bytes]) -> dict[str, Value]:
    check_names(specs, files)
    return {spec.name: _read(spec, files[spec.name]) for spec in specs if spec.name in files}


def _read(spec: TensorSpec, body: bytes) -> Value:
    if not is_tensor(spec.onnx_type):
        raise bad_input(spec.name, f"is {spec.onnx_type}, which no array can be; send JSON")
    return fit_shape(spec, cast(spec, _array(spec.name, body)))


def _array(name: str, body: bytes) -> Array:
    """A view of the file's data, in the shape, order and byte order that it has. Nothing is unpickled."""
    if not body.startswith(MAGIC):
        raise bad_input(name, "is no .npy file: its first bytes are not \\x93NUMPY")
    file = io.BytesIO(body)
    shape, fortran, dtype = _header(name, file)
    if dtype.hasobject:
        raise bad_input(name, "holds pickled Python objects, which are never opened; save numbers or strings ('U')")
    if dtype.kind not in "biufcSUV" or dtype.names or dtype.subdtype:
        raise bad_input(name, f"holds {str(dtype)[:80]}, which no input takes; save numbers, booleans or strings")
    size = element_count(name, list(shape)) * dtype.itemsize
    if size != len(body) - file.tell():
        told = f"{dtype} of shape {shape_text(shape)} is {size} bytes"
        raise bad_input(name, f"its header says {told}, and {len(body) - file.tell()} follow")
    return np.ndarray(shape, dtype, body, file.tell(), order="F" if fortran else "C")


def _header(name: str, file: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of literals that Python 2 wrote
            written_as = npy_format.read_magic(file)
            if written_as not in _HEADERS:
                raise ValueError(f"version {written_as} of the format, of structured arrays")
            return _HEADERS[written_as](file, max_header_size=_MAX_HEADER_BYTES)
    except Exception as error:  # a header is a Python literal, and a broken one raises whatever Python's parser does
        raise bad_input(name, f"its .npy header cannot be read: {str(error)[:200]}") from error


def _members(body: bytes) -> dict[str, bytes]:
    """The `.npy` files of an `.npz` by the names of their arrays. Raises PayloadTooLarge where they inflate too far."""
    try:
        _check_members(body)
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return _inflated(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise wrong_data(f"the .npz file cannot be read: {str(error)[:200]}") from error


def _check_members(body: bytes) -> None:
    """Refuses a directory of very many members before it is read; each takes 46 bytes there at least."""
    if body.count(b"PK\x01\x02") > _MAX_MEMBERS:
        raise wrong_data(f"the .npz file has more than {_MAX_MEMBERS} members")


def _inflated(archive: zipfile.ZipFile) -> dict[str, bytes]:
    arrays: dict[str, bytes] = {}
    left = MAX_BODY_BYTES
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name in arrays:
            raise wrong_data(f"the .npz file holds {name[:80]!r} twice")
        if member.compress_type not in _WRITTEN or member.flag_bits & 1:
            raise wrong_data(f"the .npz file's {name[:80]!r} is encrypted, or compressed as numpy does not write")
        with archive.open(member) as file:
            arrays[name] = file.read(left + 1)
        left -= len(arrays[name])
        if left < 0:
            told = f"the .npz file inflates to more than {MAX_BODY_BYTES} bytes"
            raise PayloadTooLarge(told, limit=MAX_BODY_BYTES)
    return arrays
