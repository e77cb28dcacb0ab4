"""Pictures, texts and table rows as the inputs of a version, by its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec, Version
from aimass.inference.dataplane import Media, Pictures, Texts, Value
from aimass.inference.tensors import shape_text

if TYPE_CHECKING:
    from aimass.inference.described.tokenizers import OpenStored, OpenTokenizer

_SECTIONS = ("image", "text", "table")


def described_inputs(version: Version, media: Media, open_stored: OpenStored) -> dict[str, Value]:
    """The inputs that the media become, by name. `open_stored` opens a tokenizer's file of the version.

    Raises InvalidArguments naming the picture, text or row that cannot be read and why, or that the description says
    nothing of such inputs.
    """
    if isinstance(media, Pictures):
        return _of_pictures(version, media.files)
    if isinstance(media, Texts):
        return _of_texts(version, media.texts, open_stored)
    description = version.description
    if not description or not description.table:
        raise _not_described(version, "table", "table rows")
    _at_least_one(media.rows, "row")
    from aimass.inference.described.table import table_inputs

    return table_inputs(_specs(version), description.table, media.rows)


def _of_pictures(version: Version, files: tuple[bytes, ...]) -> dict[str, Value]:
    description = version.description
    if not description or not description.image:
        raise _not_described(version, "image", "pictures")
    _at_least_one(files, "picture")
    from aimass.inference.described.image import image_input

    image = description.image
    return {image.input: image_input(_specs(version)[image.input], image, files)}


def _of_texts(version: Version, texts: tuple[str, ...], open_stored: OpenStored) -> dict[str, Value]:
    description = version.description
    if not description or not description.text:
        raise _no_tokenizer(version) if _takes_tokens(version) else _not_described(version, "text", "texts")
    _at_least_one(texts, "text")
    from aimass.inference.described.text import text_inputs
    from aimass.inference.described.tokens import labels_tokens

    def open_named(path: str, limit: int | None) -> OpenTokenizer:
        return open_stored(next(file for file in version.assets if file.path == path), limit)

    return text_inputs(_specs(version), description.text, texts, open_named, placed=labels_tokens(version))


def _specs(version: Version) -> dict[str, TensorSpec]:
    return {spec.name: spec for spec in version.inputs}


def _at_least_one(sent: tuple[object, ...], noun: str) -> None:
    if not sent:
        raise InvalidArguments(f"no {noun} came: send one at least", fields={"data": "empty"})


def _takes_tokens(version: Version) -> bool:
    """Whether it wants a text's tokens, under the name that Hugging Face's models give them."""
    return not version.assets and any(spec.name == "input_ids" for spec in version.inputs)


def _no_tokenizer(version: Version) -> InvalidArguments:
    told = (
        f"version {version.number} of model {version.model!r} takes tokens, and no tokenizer came with it that makes "
        "them of texts: upload it again with tokenizer.json beside the model, as transformers' "
        "AutoTokenizer.from_pretrained(...).save_pretrained(folder) writes it. Or send tensors: "
    )
    return InvalidArguments(told + _tensors(version), fields={"data": "the version has no tokenizer.json"})


def _tensors(version: Version) -> str:
    return ", ".join(f"{spec.name!r} {spec.datatype} {shape_text(spec.shape)}" for spec in version.inputs)


def _not_described(version: Version, section: str, plural: str) -> InvalidArguments:
    """Says what the version takes instead, and how it can be told to take this."""
    has = [one for one in _SECTIONS if version.description and getattr(version.description, one)]
    described = f"its description has {has[0]!r}, no {section!r}" if has else f"no description of its has {section!r}"
    return InvalidArguments(
        f"version {version.number} of model {version.model!r} takes no {plural}: {described}. Set one: "
        f"PUT /api/v1/models/{version.model}/versions/{version.number}/description (docs/model-description.md). "
        f"Or send tensors: {_tensors(version)}",
        fields={"data": f"the version's description has no {section!r}"},
    )
