"""What can be told of a model where nobody wrote a description: from its inputs and outputs, and well-known files.

Hugging Face's files: https://huggingface.co/docs/transformers/main_classes/configuration (config.json),
https://huggingface.co/docs/transformers/main_classes/image_processor (preprocessor_config.json).
"""

from __future__ import annotations

from typing import Any

from aimass.domain.datatypes import FLOATS, is_tensor
from aimass.formats.description_image import layout_of
from aimass.formats.description_output import label_lines, label_problem
from aimass.formats.description_schema import MAX_TOKENS
from aimass.formats.description_text import IDS, MASK, TYPES
from aimass.formats.seen import CONFIG, LABELS, PREPROCESSOR, TOKENIZER, TOKENIZER_CONFIG, Seen, is_picture, is_strings

Json = dict[str, Any]
# Pillow's numbers; 5, its Hamming filter, has no name here.
_RESAMPLING = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box"}
_MOST_WANTED_CHANNELS = 4


def inferred_labels(seen: Seen) -> tuple[str, ...]:
    """Labels of labels.txt, or of config.json's `id2label`, if an output has as many columns."""
    for labels in (label_lines(seen.texts.get(LABELS, "")), _id2label(seen)):
        fits = any(spec.shape[1] == len(labels) for spec in seen.matrices)
        fits = fits or any(spec.shape[2] == len(labels) for spec in seen.token_scores)
        if labels and fits and not label_problem(labels):
            return labels
    return ()


def inferred_input(seen: Seen) -> Json | None:
    """The section `input`, its parts left to be filled in from the model."""
    if table := _table(seen):
        return {"table": table}
    if len(seen.inputs) == 1 and is_strings(seen.inputs[0]):
        return {"text": {"input": seen.inputs[0].name}}
    names = {spec.name for spec in seen.inputs}
    if TOKENIZER in seen.files and IDS in names and names <= {IDS, MASK, TYPES}:
        return {"text": {"tokenizer": TOKENIZER}}
    return {"image": image} if (image := _image(seen)) else None


def inferred_output(labels: tuple[str, ...], seen: Seen) -> Json | None:
    """The section `output`: the one output with a column for each label."""
    scored = [spec for spec in seen.scored(labels) if spec.shape[-1] != -1 or len(seen.matrices) == 1]
    return {"output": scored[0].name} if labels and len(scored) == 1 else None


def inferred_max_length(seen: Seen, truncated_to: int | None) -> int | None:
    """How many tokens the model takes: as its configuration says, or as its tokenizer cuts them.

    The tokenizer comes last, for its number is often what a script left there.
    """
    config = seen.document(CONFIG)
    positions = _count(config.get("max_position_embeddings"))
    if positions and "roberta" in str(config.get("model_type")):
        positions -= 2  # its positions begin after the padding token's
    known = (_count(seen.document(TOKENIZER_CONFIG).get("model_max_length")), positions, _count(truncated_to))
    return next((number for number in known if number), None)


def _count(value: Any) -> int | None:
    """Some tokenizers say 1e30 for no limit."""
    return value if type(value) is int and 1 <= value <= MAX_TOKENS else None


def _id2label(seen: Seen) -> tuple[str, ...]:
    """One alone is what transformers calls the number of a regression, which is no class."""
    names = seen.document(CONFIG).get("id2label")
    if not isinstance(names, dict) or (len(names) == 1 and not seen.multi_label):
        return ()
    labels = [names.get(str(number)) for number in range(len(names))]
    return tuple(labels) if all(isinstance(label, str) and label for label in labels) else ()  # type: ignore[arg-type]


def _table(seen: Seen) -> Json | None:
    """An input for each column, as scikit-learn's converters make them of a data frame."""
    single = all(is_tensor(spec.onnx_type) and spec.shape[1:] == (1,) for spec in seen.inputs)
    if len(seen.inputs) < 2 or not single:
        return None
    return {"columns": [{"name": spec.name, "input": spec.name} for spec in seen.inputs]}


def _image(seen: Seen) -> Json | None:
    if len(seen.inputs) != 1 or not is_picture(seen.inputs[0]):
        return None
    spec = seen.inputs[0]
    layout = layout_of(spec)
    if layout is None or not (spec.datatype in FLOATS or spec.datatype == "UINT8"):
        return None
    sides = spec.shape[2:] if layout == "NCHW" else spec.shape[1:3]
    if any(0 < side <= _MOST_WANTED_CHANNELS for side in sides):
        return None
    known = seen.document(PREPROCESSOR)
    return {"input": spec.name, "layout": layout} | (_preprocessed(known) if known else {})


def _preprocessed(config: Json) -> Json:
    """What an image processor does; it rescales, then normalises, as we do."""
    section: Json = {}
    crop = config.get("crop_size") if config.get("do_center_crop") else None
    if config.get("do_resize") and (resize := _resized(config, cropped=crop is not None)):
        filter_number = config.get("resample")
        name = _RESAMPLING.get(filter_number, "bilinear") if isinstance(filter_number, int) else "bilinear"
        section["resize"] = resize | {"interpolation": name}
    if crop is not None and (size := _sides(crop)):
        section["crop"] = size
    if config.get("do_rescale") is False:
        section["scale"] = 1.0
    elif isinstance(config.get("rescale_factor"), float):
        section["scale"] = config["rescale_factor"]
    if config.get("do_normalize"):
        section |= {name: config[f"image_{name}"] for name in ("mean", "std") if config.get(f"image_{name}")}
    return section


def _resized(config: Json, *, cropped: bool) -> Json:
    size = config.get("size")
    shorter = size.get("shortest_edge") if isinstance(size, dict) else size if cropped else None
    if not isinstance(shorter, int):
        return _sides(size)
    percent = config.get("crop_pct")
    if isinstance(percent, float) and 0 < percent <= 1 and 0 < shorter < 384:  # ConvNeXT's: larger ones are not cropped
        return {"shorter": int(shorter / percent)}
    return {"shorter": shorter}


def _sides(size: Any) -> Json:
    if isinstance(size, int):
        return {"height": size, "width": size}
    if isinstance(size, dict) and isinstance(size.get("height"), int) and isinstance(size.get("width"), int):
        return {"height": size["height"], "width": size["width"]}
    return {}
