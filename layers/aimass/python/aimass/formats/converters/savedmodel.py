"""TensorFlow's SavedModel, which is a folder, and what TensorFlow 1 left behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from aimass.formats.content import Content
from aimass.formats.converter import Candidate, Converter, Original, Tree
from aimass.formats.protobuf import BYTES, VARINT, Field, Malformed, fields

_PARTS = ("variables", "assets", "assets.extra")
_BESIDE = ("fingerprint.pb", "keras_metadata.pb")
_MOST_FOLDERS = 16  # of which more than one is too many already
_CHECKPOINT_END = bytes.fromhex("57fb808b247547db")  # an SSTable's magic number, as in variables.index


def _recognise(content: Content) -> str | None:
    first = _first_field(content, 0, len(content))
    if first and first.number == 1 and first.wire == VARINT and first.value == 1:
        return "savedmodel" if _holds_graph(content, first.end) else None
    if first and first.number == 1 and _is_node(content, first):
        return "tf-graph"
    return "tf-checkpoint" if content[-8:] == _CHECKPOINT_END else None


def _first_field(content: Content, start: int, end: int) -> Field | None:
    try:
        return next(fields(content, start, end), None)
    except Malformed:
        return None


def _holds_graph(content: Content, start: int) -> bool:
    """Whether a MetaGraphDef follows: `meta_graphs`, field 2, with its `meta_info_def`, field 1, within."""
    graph = _first_field(content, start, len(content))
    if graph is None or (graph.number, graph.wire) != (2, BYTES):
        return False
    info = _first_field(content, graph.start, graph.end)
    return info is not None and (info.number, info.wire) == (1, BYTES)


def _is_node(content: Content, node: Field) -> bool:
    """A NodeDef begins with `name` and `op`, fields 1 and 2, both text."""
    if node.wire != BYTES:
        return False
    name = _first_field(content, node.start, node.end)
    if name is None or (name.number, name.wire) != (1, BYTES):
        return False
    operator = _first_field(content, name.end, node.end)
    if operator is None or (operator.number, operator.wire) != (2, BYTES):
        return False
    return content[operator.start : operator.end][:64].isalnum()


def _find(tree: Tree) -> Sequence[Candidate]:
    folders = [_saved(tree, path) for path in tree.of("savedmodel")[:_MOST_FOLDERS]]
    return folders + [Candidate(tree.kinds[path], (path,)) for path in tree.of("tf-graph", "tf-checkpoint")]


def _saved(tree: Tree, path: str) -> Candidate:
    folder = PurePosixPath(path).parent
    return Candidate("savedmodel", (path, *(one for one in tree.kinds if one != path and _belongs(one, folder))))


def _belongs(path: str, folder: PurePosixPath) -> bool:
    if not PurePosixPath(path).is_relative_to(folder):
        return False
    first, *more = PurePosixPath(path).relative_to(folder).parts
    return first in _PARTS if more else first in _BESIDE


def _open(folder: Path, candidate: Candidate) -> Original:
    from aimass.formats.converters import _savedmodel

    return _savedmodel.open_saved_model(folder, candidate)


def _scan(folder: Path, candidate: Candidate) -> str:
    """Raises ConversionFailed for operators that are not on the list of those that models need."""
    from aimass.formats.converters import _savedmodel

    count = len(_savedmodel.checked_operators(folder / candidate.main))
    return f"only operators that models need ({count} kinds), none for files, the network or code"


CONVERTER = Converter(
    titles={
        "savedmodel": "a TensorFlow SavedModel",
        "tf-graph": "a frozen TensorFlow graph (.pb)",
        "tf-checkpoint": "a TensorFlow checkpoint",
    },
    environment="tensorflow",
    recognise=_recognise,
    structural=True,
    find=_find,
    open=_open,
    scan=_scan,
    program=frozenset({"savedmodel"}),
    refused={
        "tf-graph": "convert it with `python -m tf2onnx.convert --graphdef model.pb --inputs … --outputs …`, naming its"
        " inputs and outputs",
        "tf-checkpoint": "weights alone have no graph; load it in the program that made it and write a SavedModel",
    },
    remedy="convert it with tf2onnx where it was trained",
)
