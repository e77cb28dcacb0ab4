"""TensorFlow's formats."""

from __future__ import annotations

from aimass.formats.content import Content
from aimass.formats.protobuf import BYTES, VARINT, Field, Malformed, fields

TITLES = {
    "tflite": "TensorFlow Lite (.tflite)",
    "keras-hdf5": "a Keras model (.h5)",
    "hdf5": "an HDF5 file",
    "savedmodel": "a TensorFlow SavedModel",
    "tf-graph": "a frozen TensorFlow graph (.pb)",
}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_HEAD = 1 << 20


def recognise(content: Content) -> str | None:
    if content[4:8] == b"TFL3":
        return "tflite"
    if content[: len(_HDF5)] == _HDF5:
        return "keras-hdf5" if b"keras_version" in content[:_HDF5_HEAD] else "hdf5"
    first = _first_field(content, 0, len(content))
    if first and first.number == 1 and first.wire == VARINT and first.value == 1:
        return "savedmodel" if _holds_graph(content, first.end) else None
    return "tf-graph" if first and first.number == 1 and _is_node(content, first) else None


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
