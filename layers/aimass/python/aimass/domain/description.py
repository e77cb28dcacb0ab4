"""A version's model description: how pictures, texts and table rows become its inputs, and what its outputs mean.

Every name in it is of an input or output of the version: what a document leaves out was filled in from the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA = 1  # of the document, as its key `aimass` says

Activation = Literal["softmax", "sigmoid"] | None
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos", "box"]


@dataclass(frozen=True)
class Resize:
    """To `height` and `width` exactly, or its shorter side to `shorter`, keeping the proportions."""

    height: int | None = None
    width: int | None = None
    shorter: int | None = None
    interpolation: Interpolation = "bilinear"


@dataclass(frozen=True)
class ImageInput:
    """A picture becomes a tensor in this order: EXIF orientation, color, resize, crop, times `scale`, minus `mean`,
    divided by `std`, layout.

    `crop` is (height, width) about the centre. `mean` and `std` have a value for each channel, or are empty. `scale`
    stays 1 for inputs of integers.
    """

    input: str
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    color: Literal["RGB", "BGR", "gray"] = "RGB"
    resize: Resize | None = None
    crop: tuple[int, int] | None = None
    scale: float = 1 / 255
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


@dataclass(frozen=True)
class Tokenizer:
    """A `tokenizers` file of the version, and the inputs that its ids, attention mask and type ids go to.

    A text longer than `max_length` tokens is cut where `truncation` says so, else refused; None is without limit.
    """

    file: str
    ids: str
    mask: str | None = None
    types: str | None = None
    max_length: int | None = None
    truncation: bool = True
    padding: Literal["longest", "max_length"] = "longest"


@dataclass(frozen=True)
class TextInput:
    """Texts go to a tokenizer, or as strings to `input`: exactly one of the two is set."""

    input: str | None = None
    tokenizer: Tokenizer | None = None


@dataclass(frozen=True)
class Column:
    """A named column of a table. `values` are categories: the model gets their number, from 0.

    `missing` takes the place of an absent, null or empty cell; None: such a cell is refused. For an input of floats the
    text `nan` is that number, where it is none of the `values`.
    """

    name: str
    input: str
    missing: float | str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableInput:
    """Columns in the order in which those of one input stand side by side in it, [rows, columns]."""

    columns: tuple[Column, ...]


@dataclass(frozen=True)
class ClassOutput:
    """The output whose columns are classes. Labels come best first: `top_k` at most, those of `threshold` and more."""

    output: str
    activation: Activation = None
    top_k: int | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class Batching:
    """Rows of different calls may run together: they do not influence each other in this model.

    A call waits at most `max_delay_ms` for others.
    """

    max_batch: int
    max_delay_ms: float = 0.0


@dataclass(frozen=True)
class Description:
    """At most one of `image`, `text` and `table`. `inferred` names what nobody wrote: it was seen in the model.

    `nan_cells`: a missing cell of a table without named columns is NaN; such rows go to the only input, a matrix.
    """

    labels: tuple[str, ...] = ()
    image: ImageInput | None = None
    text: TextInput | None = None
    table: TableInput | None = None
    classes: ClassOutput | None = None
    batching: Batching | None = None
    nan_cells: bool = False
    inferred: tuple[str, ...] = ()
