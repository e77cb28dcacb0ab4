"""PaddlePaddle (paddle/fluid/framework/framework.proto)."""

from __future__ import annotations

from itertools import islice

from aimass.formats.content import Content
from aimass.formats.converter import Converter
from aimass.formats.protobuf import BYTES, VARINT, Field, Malformed, fields

_PIR = b'{"base_code":{"magic":"pir"'


def _recognise(content: Content) -> str | None:
    if content[: len(_PIR)] == _PIR:
        return "paddle"
    try:
        blocks = next(fields(content), None)
        if blocks is None or (blocks.number, blocks.wire) != (1, BYTES):
            return None
        head = list(islice(fields(content, blocks.start, blocks.end), 2))
    except Malformed:
        return None
    return "paddle" if _is_block(head) else None


def _is_block(head: list[Field]) -> bool:
    """A BlockDesc begins with `idx` and `parent_idx`; the first block's are 0 and -1."""
    return [(field.number, field.wire) for field in head] == [(1, VARINT), (2, VARINT)] and head[0].value == 0


CONVERTER = Converter(
    titles={"paddle": "a PaddlePaddle program (.pdmodel, .json)"},
    recognise=_recognise,
    structural=True,
    refused={"paddle": "convert it with `paddle2onnx --model_dir … --model_filename … --save_file model.onnx`"},
)
