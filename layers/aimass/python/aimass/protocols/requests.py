"""The control plane's request bodies, validated at the edge."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from aimass.domain.names import MAX_FILENAME_BYTES, MAX_LABEL, MAX_NUMBER, MODEL_NAME

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
