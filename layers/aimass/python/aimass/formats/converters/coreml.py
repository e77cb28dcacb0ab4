"""Core ML (apple/coremltools, mlmodel/format/Model.proto)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from aimass.formats.content import Content
from aimass.formats.converter import Candidate, Converter, Tree
from aimass.formats.protobuf import BYTES, VARINT, Malformed, fields

_SPECIFICATION_VERSION, _DESCRIPTION = 1, 2
# From pipelines (200) to serialized models (3000), each kind of model is a field of its own.
_KINDS = range(200, 3001)
_MOST_FIELDS = 10_000


def _recognise(content: Content) -> str | None:
    seen: dict[int, int] = {}
    try:
        for count, field in enumerate(fields(content)):
            seen.setdefault(field.number, field.wire)
            if count > _MOST_FIELDS:
                return None
    except Malformed:
        return None
    is_model = seen.get(_SPECIFICATION_VERSION) == VARINT and seen.get(_DESCRIPTION) == BYTES
    return "coreml" if is_model and any(number in _KINDS for number in seen) else None


def _find(tree: Tree) -> Sequence[Candidate]:
    return [_candidate(tree, path) for path in tree.of("coreml")[:2]]


def _candidate(tree: Tree, path: str) -> Candidate:
    """A file alone, or one in a package's folder `Data`, beside a `Manifest.json`."""
    package = next((folder.parent for folder in PurePosixPath(path).parents if folder.name == "Data"), None)
    if package is None or (package / "Manifest.json").as_posix() not in tree.kinds:
        return Candidate("coreml", (path,))
    inside = tuple(one for one in tree.kinds if PurePosixPath(one).is_relative_to(package))
    return Candidate("coreml-package", (path,), hides=inside)


_REMEDY = "send the PyTorch or TensorFlow model that it was made from"
CONVERTER = Converter(
    titles={"coreml": "a Core ML model (.mlmodel)", "coreml-package": "a Core ML package (.mlpackage)"},
    recognise=_recognise,
    structural=True,
    find=_find,
    refused={"coreml": _REMEDY, "coreml-package": _REMEDY},
)
