"""Bodies that no type explains: what their first bytes say, and whether they are a tensor's own."""

from __future__ import annotations

import math

from aimass.domain.datatypes import is_tensor
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec, Version
from aimass.inference.tensors import described, numpy_dtype
from aimass.protocols.native.given import Given, Prepare
from aimass.protocols.native.payloads import pictures, takes_texts, wrong_data
from aimass.protocols.native.signatures import PICTURES, foreign_format, is_picture, plain_text
from aimass.protocols.openinference.request import parse_request, read_inputs

_SHORT = 16  # bytes: fewer of a tensor may look like text by chance


def refused(body: bytes, version: Version) -> InvalidArguments:
    """The error for a body that nothing is said of, and that is nothing that is recognised: what was tried."""
    foreign = foreign_format(body)
    if foreign:
        return wrong_data(f"is {foreign}, which is not taken; pictures are {PICTURES}")
    text = "no text that this version takes" if plain_text(body) is not None else "no UTF-8 text"
    told = f"is not recognised: no picture ({PICTURES}), no NumPy file, no JSON, {text}"
    return wrong_data(f"{told}. Name its content-type; this version's own {_own(version)}")


def picture_or_tensor(body: bytes, version: Version, prepare: Prepare) -> Given:
    """A picture; or one row of the only input, whose first bytes look like one's, where no such header follows."""
    try:
        return pictures([body], alone=True)(version, prepare)
    except InvalidArguments:
        if not _is_one_row(version, len(body)) or _opens(body):
            raise
    return Given(read_inputs(version.inputs, parse_request(body, header_length="0")))


def read_bytes(body: bytes, version: Version, prepare: Prepare) -> Given:
    """The only input's bytes, as application/octet-stream says. Raises InvalidArguments naming every reading."""
    takes_pictures = bool(version.description and version.description.image)
    foreign = foreign_format(body)
    if foreign and (takes_pictures or not _may_be_text(version)):
        raise refused(body, version)
    if len(body) >= _SHORT and plain_text(body) is not None and not _may_be_text(version):
        raise wrong_data("is text, not a tensor's bytes; name its type: text/plain, text/csv or application/json")
    try:
        return Given(read_inputs(version.inputs, parse_request(body, header_length="0")))
    except InvalidArguments as error:
        if is_picture(body):
            return pictures([body], alone=True)(version, prepare)  # refused: told what the version takes
        tried = f"no picture ({PICTURES}), no NumPy file" if takes_pictures else "no NumPy file"
        raise InvalidArguments(
            f"the body is {tried}, and as the only input's bytes: {error.message}", **error.details
        ) from error


def _own(version: Version) -> str:
    """How its only tensor may be sent as it is."""
    if len(version.inputs) != 1 or not is_tensor(version.inputs[0].onnx_type):
        return "inputs may come as JSON or .npz"
    (spec,) = version.inputs
    return f"bytes ({spec.name!r}, {described(spec)}) are application/octet-stream"


def _only(version: Version) -> TensorSpec | None:
    return version.inputs[0] if len(version.inputs) == 1 and is_tensor(version.inputs[0].onnx_type) else None


def _may_be_text(version: Version) -> bool:
    """Strings, and numbers of one byte each, may be what text is made of."""
    spec = _only(version)
    return takes_texts(version) or bool(spec and spec.datatype in {"UINT8", "INT8", "BYTES"})


def _is_one_row(version: Version, size: int) -> bool:
    spec = _only(version)
    if not spec or not spec.shape or spec.datatype == "BYTES" or -1 in spec.shape[1:]:
        return False
    return size == numpy_dtype(spec.datatype).itemsize * math.prod(abs(length) for length in spec.shape)


def _opens(body: bytes) -> bool:
    """Whether a picture's header can be read: then it is one, if a broken one."""
    from aimass.inference.described.pictures import open_picture

    try:
        open_picture(0, body)
    except InvalidArguments:
        return False
    return True
