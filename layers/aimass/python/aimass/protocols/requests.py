"""The control plane's request bodies, validated at the edge."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from aimass.domain.compression import AUTO, BUDGETS, METHODS
from aimass.domain.model import ORIGINAL
from aimass.domain.names import MAX_FILENAME_BYTES, MAX_LABEL, MAX_NUMBER, MAX_TAGS, MAX_TEXT, MODEL_NAME
from aimass.formats.description_yaml import MAX_BYTES
from aimass.usecases.examples import MAX_PREFIX_BYTES
from aimass.usecases.keys import MAX_KEY_NAME, MAX_OVERLAP_SECONDS

Name = Annotated[str, Field(pattern=f"^{MODEL_NAME}$", description="lower-case letters, digits, '.', '_' and '-'")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class StartUpload(_Request):
    """An upload in parts, straight to storage."""

    model: Name
    filename: Annotated[str, Field(min_length=1, max_length=MAX_FILENAME_BYTES)]
    size: Annotated[int, Field(ge=1, description="bytes")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="of the whole file, lower-case hex")]
    version: Annotated[int, Field(ge=1, le=MAX_NUMBER)] | None = None
    label: Annotated[str, Field(max_length=MAX_LABEL)] | None = None
    labels: Annotated[list[str], Field(max_length=10_000, description="class names, in output order")] = []
    description: Annotated[str, Field(max_length=MAX_BYTES, description="a model description, YAML or JSON")] | None = (
        None
    )
    accept_drift: Annotated[
        bool, Field(description="take a conversion that answers otherwise than the original, beyond the tolerance")
    ] = False


class UploadedPart(_Request):
    """A part that has been sent, with the ETag that its PUT answered."""

    part_number: Annotated[int, Field(ge=1, le=10_000)]
    etag: Annotated[str, Field(min_length=1, max_length=256)]


class CompleteUpload(_Request):
    """All parts of an upload."""

    parts: Annotated[list[UploadedPart], Field(min_length=1, max_length=10_000)]


class MoveAlias(_Request):
    """Where the alias shall point."""

    version: Annotated[int, Field(ge=1, le=MAX_NUMBER)]
    revision: Annotated[int, Field(ge=0, description="only if it is at this; 0: points nowhere")] | None = None


class RetryJob(_Request):
    """Nothing, or what shall be otherwise."""

    accept_drift: Annotated[
        bool, Field(description="from now on take a conversion that answers otherwise than the original")
    ] = False


class RollBack(_Request):
    """Nothing, or where to."""

    revision: Annotated[int, Field(ge=1, description="only if the alias is at this revision")] | None = None
    to_revision: Annotated[int, Field(ge=1, description="else to what came before")] | None = None


Text = Annotated[str, Field(max_length=MAX_TEXT)]
Tags = Annotated[dict[str, str], Field(max_length=MAX_TAGS)]


class DescribeModel(_Request):
    """What shall change; a field that is left out stays."""

    description: Text | None = None
    tags: Tags = {}


class DescribeVersion(_Request):
    """What shall change; a field that is left out stays."""

    label: Annotated[str, Field(max_length=MAX_LABEL)] | None = None
    notes: Text | None = None
    tags: Tags = {}
    serving_variant: Annotated[
        str, Field(min_length=1, max_length=100, description="what answers where a call names no variant")
    ] = ORIGINAL


class Examples(_Request):
    """A file that will be sent, by its size and name; or the folder where files lie already."""

    size: Annotated[int, Field(ge=1, description="bytes of a file that will be put to a URL; 2 GiB at most")] | None = (
        None
    )
    filename: Annotated[str, Field(max_length=MAX_FILENAME_BYTES)] | None = None
    prefix: (
        Annotated[str, Field(min_length=1, max_length=MAX_PREFIX_BYTES, description="a folder under data/{tenant}/")]
        | None
    ) = None


_SHARE: dict[str, JsonValue] = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
_BUDGET: dict[str, JsonValue] = {
    "description": "what may be lost at most, proven with 95 % confidence; left out: 0.01 by what there is",
    "anyOf": [
        {
            "type": "object",
            "properties": dict.fromkeys(sorted(BUDGETS), _SHARE),
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        },
        {"type": "null"},
    ],
}
_METHODS: dict[str, JsonValue] = {
    "description": "what is tried",
    "anyOf": [
        {"const": AUTO},
        {"type": "array", "minItems": 1, "items": {"type": "string", "enum": list(METHODS)}},
        {"type": "null"},
    ],
}


class StartCompression(_Request):
    """What is wanted; every field may be left out. `budget` and `methods` are checked where their rules are."""

    budget: Annotated[Any, Field(json_schema_extra=_BUDGET)] = None
    data: Examples | None = None
    methods: Annotated[Any, Field(json_schema_extra=_METHODS)] = AUTO
    target: Literal["lambda-x86", "gpu"] = "lambda-x86"
    objective: Literal["size", "latency", "balanced"] = "balanced"


class CreateKey(_Request):
    """A key's name, for people, and when it shall end."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_KEY_NAME)]
    expires_at: Annotated[str, Field(max_length=40, description="ISO 8601 with its zone, a moment ahead")] | None = None


class RotateKey(_Request):
    """How much longer the old secret shall work."""

    overlap_seconds: Annotated[int, Field(ge=0, le=MAX_OVERLAP_SECONDS)] = 0
