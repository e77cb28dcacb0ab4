"""What a model description's document may say."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)
from pydantic_core import PydanticCustomError

from aimass.formats.description_yaml import Unquoted

MAX_SIDE = 8192
MAX_TOKENS = 131_072
MAX_COLUMNS = 2000
MAX_BATCH = 1024
MAX_DELAY_MS = 1000
NAN = "nan"  # what a missing cell of an input of floats may become, as text


def _storable(value: float) -> float:
    if value and not 1e-37 <= abs(value) <= 1e38:
        raise PydanticCustomError("range", "must be 0, or between 1e-37 and 1e38 without its sign")
    return value


def _storable_or_nan(value: float) -> float:
    return value if math.isnan(value) else _storable(value)


def _number(value: Any) -> Any:
    if isinstance(value, str):
        raise PydanticCustomError("number", "must be a number")
    return value


def _printable(text: str) -> str:
    if any(letter < " " or letter == "\x7f" for letter in text):
        raise PydanticCustomError("control", "must be text of one line, without control characters")
    return text


def _cell(value: Any) -> Any:
    if isinstance(value, bool | list | dict):
        raise PydanticCustomError("cell", "must be a number or text")
    return math.nan if isinstance(value, Unquoted) and value.text.lower() == ".nan" else value


def _nan(value: Any) -> Any:
    """As YAML, Python and JSON's readers write it."""
    text = value.text if isinstance(value, Unquoted) else value
    if text is None or (isinstance(text, float) and math.isnan(text)):
        return text
    if not isinstance(text, str) or text.lower() not in {".nan", NAN}:
        raise PydanticCustomError("nan", "must be .nan; other values are each column's own")
    return math.nan


def _labels(value: Any) -> Any:
    if not isinstance(value, str | list | Unquoted | None):
        raise PydanticCustomError("labels", "must be a list of texts, or the name of a file beside the model")
    return value


def _empty_section(value: Any) -> Any:
    """A section without anything under it says that its defaults serve."""
    return {} if value is None else value


def _list_or_file(value: Any) -> str:
    return "<list>" if isinstance(value, list) else "<text>"


def _text_or_number(value: Any) -> str:
    return "<text>" if isinstance(value, str | Unquoted) else "<number>"


TAGS = {"<list>", "<text>", "<number>"}  # in pydantic's paths they tell which of a union was meant

CellText = Annotated[str, Field(max_length=1000), AfterValidator(_printable)]
Text = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_printable)]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False), AfterValidator(_storable)]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
NumberOrNan = Annotated[float, BeforeValidator(_number), AfterValidator(_storable_or_nan)]
Cell = Annotated[
    Annotated[NumberOrNan, Tag("<number>")] | Annotated[CellText, Tag("<text>")],
    Discriminator(_text_or_number),
]
Labels = Annotated[Annotated[list[Text], Tag("<list>")] | Annotated[Name, Tag("<text>")], Discriminator(_list_or_file)]
Channels = Annotated[list[Number], Field(min_length=1, max_length=3)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    def has(self, name: str) -> bool:
        """Whether the document says anything of it, be it null."""
        return name in self.model_fields_set


class ResizeSection(Section):
    height: Side | None = None
    width: Side | None = None
    shorter: Side | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos", "box"] = "bilinear"


class CropSection(Section):
    height: Side
    width: Side


class ImageSection(Section):
    input: Name | None = None
    layout: Literal["NCHW", "NHWC"] | None = None
    color: Literal["RGB", "BGR", "gray"] | None = None
    resize: ResizeSection | None = None
    crop: CropSection | None = None
    scale: Number | None = None
    mean: Channels | None = None
    std: Channels | None = None


class TextSection(Section):
    input: Name | None = None
    tokenizer: Name | None = None
    ids: Name | None = None
    mask: Name | None = None
    types: Name | None = None
    max_length: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = None
    truncation: bool = True
    padding: Literal["longest", "max_length"] | None = None


class ColumnSection(Section):
    name: Text
    input: Name | None = None
    missing: Annotated[Cell | None, BeforeValidator(_cell)] = None
    values: Annotated[list[CellText], Field(min_length=1, max_length=10_000)] | None = None


class TableSection(Section):
    columns: Annotated[list[ColumnSection] | None, Field(min_length=1, max_length=MAX_COLUMNS)] = None
    input: Name | None = None
    missing: Annotated[float | None, BeforeValidator(_nan)] = None


class InputSection(Section):
    image: Annotated[ImageSection | None, BeforeValidator(_empty_section)] = None
    text: Annotated[TextSection | None, BeforeValidator(_empty_section)] = None
    table: Annotated[TableSection | None, BeforeValidator(_empty_section)] = None


class OutputSection(Section):
    output: Name | None = None
    activation: Literal["softmax", "sigmoid", "none"] | None = None
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    threshold: Number | None = None


class BatchingSection(Section):
    max_batch: Annotated[int, Field(ge=2, le=MAX_BATCH)]
    max_delay_ms: Annotated[Number, Field(ge=0, le=MAX_DELAY_MS)] = 0.0


class DocumentSection(Section):
    """The whole. `input: null` and `output: null` say that nothing shall be inferred."""

    aimass: Literal[1]
    labels: Annotated[Labels | None, BeforeValidator(_labels)] = None
    input: InputSection | None = None
    output: OutputSection | None = None
    batching: BatchingSection | None = None
    inferred: Annotated[list[str], Field(max_length=1000)] | None = None  # as the API shows it; of no effect
