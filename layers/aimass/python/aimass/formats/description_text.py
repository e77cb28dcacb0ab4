"""The section `input.text`, filled in from the model's inputs and checked against them."""

from __future__ import annotations

from typing import Literal

from aimass.domain.description import TextInput, Tokenizer
from aimass.domain.model import TensorSpec
from aimass.formats.description_draft import Draft, quoted
from aimass.formats.description_schema import TextSection
from aimass.formats.seen import TOKENIZER, is_strings, is_tokens

Padding = Literal["longest", "max_length"]
_AT = ("input", "text")
_ONLY_WITH_TOKENIZER = ("ids", "mask", "types", "max_length", "truncation", "padding")
IDS, MASK, TYPES = "input_ids", "attention_mask", "token_type_ids"


def text_input(section: TextSection, draft: Draft) -> TextInput | None:
    """Notes every problem in the draft; None where there is no telling what texts become."""
    if section.input is not None and section.tokenizer is not None:
        draft.wrong((*_AT, "tokenizer"), "must be left out where `input` is given: texts go to one of the two")
        return None
    strings = [spec for spec in draft.seen.inputs if is_strings(spec)]
    options = [name for name in _ONLY_WITH_TOKENIZER if section.has(name)]
    if section.input is not None or (section.tokenizer is None and strings and not options):
        return _strings(section, strings, options, draft)
    file = section.tokenizer or draft.fill((*_AT, "tokenizer"), TOKENIZER)
    if file not in draft.seen.files:
        there_are = ", ".join(quoted(name) for name in draft.seen.files) or "none"
        draft.wrong((*_AT, "tokenizer"), f"names no file beside the model: {quoted(file)}; there are {there_are}")
    tokenizer = _tokenizer(section, file, draft)
    return TextInput(tokenizer=tokenizer) if tokenizer else None


def _strings(section: TextSection, strings: list[TensorSpec], options: list[str], draft: Draft) -> TextInput | None:
    for name in options:
        draft.wrong((*_AT, name), "is for a tokenizer; texts go to the input as they are")
    spec = draft.spec((*_AT, "input"), section.input, strings, "an input of strings, one a row")
    if spec is None:
        return None
    if not is_strings(spec):
        draft.wrong(
            (*_AT, "input"),
            f"names {quoted(spec.name)}, which is {spec.datatype} {list(spec.shape)}; texts go to strings of"
            " shape [rows] or [rows, 1], or through a tokenizer",
        )
    draft.covers((*_AT, "input"), [spec.name], "a text")
    return TextInput(input=spec.name)


def _tokenizer(section: TextSection, file: str, draft: Draft) -> Tokenizer | None:
    ids = _ids(section, draft)
    if ids is None:
        return None
    mask, types = (_optional(section, name, usual, draft) for name, usual in (("mask", MASK), ("types", TYPES)))
    specs = [spec for spec in (ids, mask, types) if spec is not None]
    draft.covers((*_AT, "ids"), [spec.name for spec in specs], "a tokenizer")
    if len({spec.name for spec in specs}) < len(specs):
        draft.wrong((*_AT, "ids"), "must be another input than mask and types, and these than each other")
    for name, spec in (("ids", ids), ("mask", mask), ("types", types)):
        if spec and not is_tokens(spec):
            draft.wrong(
                (*_AT, name),
                f"names {quoted(spec.name)}, which is {spec.datatype} {list(spec.shape)}; it must be whole"
                " numbers, INT64 or INT32, of shape [rows, tokens]",
            )
            return None
    max_length, padding = _lengths(section, ids.shape[1], draft)
    return Tokenizer(
        file,
        ids.name,
        mask.name if mask else None,
        types.name if types else None,
        max_length,
        section.truncation,
        padding,
    )


def _ids(section: TextSection, draft: Draft) -> TensorSpec | None:
    usual = [spec for spec in draft.seen.inputs if spec.name == IDS]
    fitting = usual or [spec for spec in draft.seen.inputs if is_tokens(spec)]
    return draft.spec((*_AT, "ids"), section.ids, fitting, "an input of whole numbers, [rows, tokens]")


def _optional(section: TextSection, name: str, usual: str, draft: Draft) -> TensorSpec | None:
    given: str | None = getattr(section, name)
    if given is not None:
        return draft.named((*_AT, name), given, draft.seen.inputs, "input")
    there = next((spec for spec in draft.seen.inputs if spec.name == usual), None)
    return None if section.has(name) or there is None else draft.fill((*_AT, name), there)


def _lengths(section: TextSection, tokens: int, draft: Draft) -> tuple[int | None, Padding]:
    """How many tokens a row has at most, and to how many it is padded: a fixed input leaves no choice."""
    fixed = tokens if tokens != -1 else None
    max_length = section.max_length
    if max_length is None and not section.has("max_length") and (known := fixed or draft.seen.max_length):
        max_length = draft.fill((*_AT, "max_length"), known)
    padding: Padding = section.padding or "longest"
    if fixed and section.padding is None:
        padding = draft.fill((*_AT, "padding"), "max_length")
    if fixed and max_length != fixed:
        draft.wrong((*_AT, "max_length"), f"must be {fixed}, the number of tokens that the model's input has")
    if fixed and padding != "max_length":
        draft.wrong((*_AT, "padding"), f"must be max_length, as the model's input always has {fixed} tokens")
    if padding == "max_length" and max_length is None:
        draft.wrong((*_AT, "padding"), "is to max_length, which must then be given")
    return max_length, padding
