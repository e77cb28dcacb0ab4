"""A model description as the document that says it."""

from __future__ import annotations

from typing import Any

import msgspec

from aimass.domain.description import SCHEMA, Description, TextInput
from aimass.domain.errors import InvalidArguments
from aimass.formats.description_schema import NAN

MAX_DESCRIBED_BYTES = 120_000

Json = dict[str, Any]


def document_of(description: Description | None, labels: tuple[str, ...] = ()) -> Json:
    """The document that says all of a description and leaves nothing to be inferred; `inferred` is for its reader.

    `labels` are those that came with the upload, for a description without any.
    """
    whole = description or Description()
    document: Json = {"aimass": SCHEMA, "labels": list(whole.labels or labels)}
    document["input"] = _input_document(whole)
    document["output"] = _plain(whole.classes) if whole.classes else None
    if whole.batching:
        document["batching"] = _plain(whole.batching)
    return document | {"inferred": list(whole.inferred)}


def _input_document(whole: Description) -> Json | None:
    if whole.image:
        image = _plain(whole.image)
        height, width = whole.image.crop or (None, None)
        image["crop"] = {"height": height, "width": width} if height else None
        image["resize"] = {name: side for name, side in (image["resize"] or {}).items() if side is not None} or None
        return {"image": image | {name: image[name] or None for name in ("mean", "std")}}
    if whole.text:
        return {"text": _text_document(whole.text)}
    if whole.table:
        columns = [_plain(column) for column in whole.table.columns]
        return {"table": {"columns": [column | {"values": column["values"] or None} for column in columns]}}
    return {"table": {"missing": NAN}} if whole.nan_cells else None


def _text_document(text: TextInput) -> Json:
    if text.tokenizer is None:
        return {"input": text.input}
    plain = _plain(text.tokenizer)
    return {"tokenizer": plain.pop("file")} | plain


def _plain(value: Any) -> Json:
    plain: Json = msgspec.to_builtins(value)
    return plain


def encoded(description: Description | None) -> bytes:
    """The description as it is kept. Raises InvalidArguments for one that no version's record holds."""
    body = msgspec.json.encode(description)
    if len(body) > MAX_DESCRIBED_BYTES:
        raise InvalidArguments(
            f"the model description takes {len(body)} bytes with all its labels and values; at most"
            f" {MAX_DESCRIBED_BYTES}",
            fields={"the document": f"{len(body)} bytes"},
        )
    return body
