"""The section `input.image`, filled in from the model's input and checked against it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from aimass.domain.datatypes import FLOATS
from aimass.domain.description import ImageInput, Resize
from aimass.domain.model import TensorSpec
from aimass.formats.description_draft import Draft, quoted
from aimass.formats.description_schema import ImageSection
from aimass.formats.seen import PREPROCESSOR, WHOLE, Seen, is_picture

Layout = Literal["NCHW", "NHWC"]
Color = Literal["RGB", "BGR", "gray"]
_AT = ("input", "image")
_CHANNELS = {"gray": 1, "RGB": 3, "BGR": 3}
_Size = tuple[int, int]  # height, width; -1 where it varies


def image_input(section: ImageSection, draft: Draft) -> ImageInput | None:
    """Notes every problem in the draft; None where there is no telling which input is meant."""
    fitting = [spec for spec in draft.seen.inputs if is_picture(spec)]
    spec = draft.spec((*_AT, "input"), section.input, fitting, "an input of numbers in 4 dimensions")
    if spec is None or not _takes_pictures(spec, draft):
        return None
    draft.covers((*_AT, "input"), [spec.name], "a picture")
    layout: Layout = section.layout or layout_of(spec) or "NCHW"
    color: Color = section.color or ("gray" if _channels(spec, layout) == 1 else "RGB")
    for name in ("layout", "color"):
        if getattr(section, name) is None:
            draft.fill((*_AT, name), None)
    channels = _CHANNELS[color]
    if _channels(spec, layout) not in {-1, channels}:
        at = "color" if section.color else "layout"
        draft.wrong(
            (*_AT, at),
            f"must fit the input: {color} has {channels} channels, {quoted(spec.name)} {list(spec.shape)}"
            f" has {_channels(spec, layout)} as {layout}",
        )
    size = _size(spec, layout)
    resize = _resize(section, size, draft)
    return ImageInput(
        input=spec.name,
        layout=layout,
        color=color,
        resize=resize,
        crop=_crop(section, size, resize, draft),
        scale=_scale(section, spec, draft),
        mean=_per_channel("mean", section.mean, channels, draft),
        std=_per_channel("std", section.std, channels, draft),
    )


def layout_of(spec: TensorSpec) -> Layout | None:
    """Where the channels are: the one dimension of the two possible ones that is 1 or 3."""
    if len(spec.shape) != 4:
        return None
    first, last = spec.shape[1] in {1, 3}, spec.shape[3] in {1, 3}
    if first == last:
        return None
    return "NCHW" if first else "NHWC"


def scale_notes(image: ImageInput | None, inferred: Collection[str], seen: Seen) -> tuple[str, ...]:
    """What the owner ought to know of numbers that nobody gave and no file says."""
    if image is None or not {"input.image", "input.image.scale"} & set(inferred) or _is_known(image, seen):
        return ()
    if image.input in seen.unscaled:
        return (f"pictures go to {quoted(image.input)} with numbers of 0 to 255: the model or its sample has them so",)
    guessed = ["scale 1/255", *(f"no {name}" for name in ("mean", "std") if not getattr(image, name))]
    return (
        f"guessed of pictures: {', '.join(guessed)}; if it was trained on other numbers, answers are wrong: set"
        " input.image's scale, mean and std in aimass.yaml, or by PUT on the version's /description",
    )


def _is_known(image: ImageInput, seen: Seen) -> bool:
    """Whether the converter or an image processor's file says how numbers are scaled; whole ones stay as they are."""
    known = seen.known.input.image if seen.known.input else None
    floats = any(spec.name == image.input and spec.datatype in FLOATS for spec in seen.inputs)
    return bool(known and known.has("scale")) or not floats or bool(seen.document(PREPROCESSOR))


def _takes_pictures(spec: TensorSpec, draft: Draft) -> bool:
    fits = spec.datatype in FLOATS | WHOLE and len(spec.shape) in {3, 4}
    if not fits:
        draft.wrong(
            (*_AT, "input"),
            f"names {quoted(spec.name)}, which is {spec.datatype} {list(spec.shape)}; a picture becomes numbers in"
            " 4 dimensions, or in 3 where it is gray",
        )
    return fits


def _channels(spec: TensorSpec, layout: Layout) -> int:
    if len(spec.shape) == 3:
        return 1
    return spec.shape[1] if layout == "NCHW" else spec.shape[3]


def _size(spec: TensorSpec, layout: Layout) -> _Size:
    height, width = spec.shape[2:4] if layout == "NCHW" and len(spec.shape) == 4 else spec.shape[1:3]
    return height, width


def _resize(section: ImageSection, size: _Size, draft: Draft) -> Resize | None:
    given = section.resize
    if given is None:
        written = section.has("resize") or section.crop is not None
        return None if written or -1 in size else draft.fill((*_AT, "resize"), Resize(*size))
    at = (*_AT, "resize")
    exact = given.height is not None and given.width is not None
    if exact == (given.shorter is not None) or (given.height is None) != (given.width is None):
        draft.wrong(at, "must have either `shorter`, or `height` and `width`")
    elif exact and section.crop is None:
        _fits(at, given, size, draft)
    return Resize(given.height, given.width, given.shorter, given.interpolation)


def _crop(section: ImageSection, size: _Size, resize: Resize | None, draft: Draft) -> _Size | None:
    given = section.crop
    if given is not None:
        _fits((*_AT, "crop"), given, size, draft)
        return given.height, given.width
    if resize and resize.shorter and not section.has("crop") and -1 not in size:
        return draft.fill((*_AT, "crop"), size)
    return None


def _fits(at: tuple[str, ...], given: object, size: _Size, draft: Draft) -> None:
    for side, want in zip(("height", "width"), size, strict=True):
        got = getattr(given, side)
        if want not in {-1, got}:
            draft.wrong((*at, side), f"must be {want}, as the model's input is {size[0]} x {size[1]}, got {got}")


def _scale(section: ImageSection, spec: TensorSpec, draft: Draft) -> float:
    if section.scale is not None:
        return section.scale
    whole = spec.datatype not in FLOATS or spec.name in draft.seen.unscaled
    return draft.fill((*_AT, "scale"), 1.0 if whole else 1 / 255)


def _per_channel(name: str, given: list[float] | None, channels: int, draft: Draft) -> tuple[float, ...]:
    values = tuple(given or ())
    if values and len(values) != channels:
        draft.wrong((*_AT, name), f"must have a number for each of {channels} channels, got {len(values)}")
    if name == "std" and 0 in values:
        draft.wrong((*_AT, name), "must not have a 0: it is divided by")
    return values
