"""What is packed into a TensorFlow Lite file beside its graph: who converted it, and names of its classes."""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_LABELS = re.compile(r".*label.*\.txt", re.I)
_MOST_LABEL_BYTES = 1 << 20
_CONVERSION = b"CONVERSION_METADATA"
_VERSION = re.compile(r"\d[\w.+-]{0,30}", re.ASCII)
#: What zipfile raises for members that are damaged, encrypted (RuntimeError), compressed otherwise or no text.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, RuntimeError, ValueError, EOFError, OSError)


def framework(model: Any) -> str:
    """`TensorFlow Lite`, with the version of TensorFlow that wrote the file where it says so."""
    found = [model.Metadata(index) for index in range(model.MetadataLength())]
    version = next((_version(model.Buffers(one.Buffer())) for one in found if one.Name() == _CONVERSION), None)
    return f"TensorFlow Lite {version}" if version else "TensorFlow Lite"


def _version(buffer: Any) -> str | None:
    from tensorflow.lite.python import conversion_metadata_schema_py_generated as schema

    try:
        told = schema.ConversionMetadata.GetRootAsConversionMetadata(buffer.DataAsNumpy().tobytes(), 0)
        version = told.Environment().TensorflowVersion().decode("ascii")
    except Exception:  # whatever the parser makes of bytes that are no such table
        return None
    return version if _VERSION.fullmatch(version) else None


def packed_labels(path: Path) -> Sequence[str]:
    """The one list of labels in the zip file that metadata puts behind a model."""
    if not zipfile.is_zipfile(path):
        return ()
    try:
        with zipfile.ZipFile(path) as archive:
            found = [one for one in archive.infolist() if _LABELS.fullmatch(one.filename)]
            if len(found) != 1 or found[0].file_size > _MOST_LABEL_BYTES:
                return ()
            return archive.read(found[0]).decode().splitlines()
    except _DAMAGED:
        return ()
