"""A Hugging Face folder as an original: its inputs, its ONNX model, its answers."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats import json_object
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters._torch_onnx import arrays_of, finished, tensors_of
from aimass.formats.converters._transformers_model import Opened, answering, opened
from aimass.formats.member import shown

_OPSET = 17  # the highest that torch's older exporter writes without a detour
_ROWS, _TOKENS = 2, 8  # of the call that it follows
_SIDE, _MOST_SIDE = 224, 4096


class Encoder:
    """A model of transformers that answers in one call."""

    def __init__(self, folder: Path, files: Sequence[str], framework: str) -> None:
        self._framework = framework
        self._opened = opened(folder, files)
        self._module = answering(self._opened)
        self._image = _image(folder, self._opened.config)

    @property
    def wanted(self) -> Sequence[Wanted]:
        config = self._opened.config
        highest = {"input_ids": config.get_text_config().vocab_size - 1} if "input_ids" in self._opened.inputs else {}
        highest["token_type_ids"] = getattr(config, "type_vocab_size", 2) - 1
        return [
            Wanted(name, "float32", (-1, *self._image), -2.5, 2.5)
            if name == "pixel_values"
            else Wanted(name, "int64", (-1, -1), 0, highest.get(name, 1))
            for name in self._opened.inputs
        ]

    def convert(self, folder: Path) -> Converted:
        model = _exported(self._module, self._opened, self._image)
        files = finished(model, folder, self._opened.outputs)
        return Converted(files[0], files, self._framework, labels=self._labels(), notes=self._opened.notes)

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        import torch

        with torch.inference_mode():
            answer = self._module(*tensors_of(inputs, self._opened.inputs))
        return arrays_of(answer, self._opened.outputs)

    def _labels(self) -> tuple[str, ...]:
        """Of the classes, where there are some."""
        config = self._opened.config
        names = getattr(config, "id2label", None) or {}
        if "Classification" not in type(self._opened.model).__name__ or len(names) < 2:
            return ()
        return tuple(str(names[index]) for index in sorted(names))


def open_folder(folder: Path, candidate: Candidate) -> Encoder:
    """Raises ImportRefused kinds."""
    return Encoder(folder, candidate.files, str(candidate.facts.get("framework") or "transformers"))


def _exported(module: Any, opened: Opened, image: tuple[int, int, int]) -> Any:
    """By torch's older exporter, which is quick and good at these; where it can't, by the newer."""
    import onnx
    import torch

    names = opened.inputs
    example = tuple(_example(name, image) for name in names)
    body = io.BytesIO()
    rows, tokens = {0: "batch"}, {0: "batch", 1: "sequence"}
    axes = {name: rows if name == "pixel_values" else tokens for name in names}
    axes |= dict.fromkeys(opened.outputs, tokens if opened.by_token else rows)
    named = {"input_names": [*names], "output_names": [*opened.outputs], "dynamic_axes": axes}
    try:
        with torch.no_grad():
            torch.onnx.export(module, example, body, dynamo=False, opset_version=_OPSET, **named)
    except torch.onnx.OnnxExporterError as error:
        return _by_newer(module, example, names, str(error))
    return onnx.load_from_string(body.getvalue())


def _by_newer(module: Any, example: tuple[Any, ...], names: Sequence[str], reason: str) -> Any:
    import torch

    auto = torch.export.Dim.DYNAMIC
    shapes = tuple({0: auto} if name == "pixel_values" else {0: auto, 1: auto} for name in names)
    try:
        program = torch.onnx.export(
            module, example, dynamo=True, verbose=False, input_names=[*names], dynamic_shapes=(shapes,)
        )
    except torch.onnx.OnnxExporterError:
        text = f"torch.onnx can't write the model as ONNX: {shown(reason.splitlines()[0])}"
        raise ConversionFailed(f"{text}; export it with optimum-cli export onnx and send the folder") from None
    return program.model_proto


def _example(name: str, image: tuple[int, int, int]) -> Any:
    import torch

    if name == "pixel_values":
        return torch.zeros(_ROWS, *image)
    example = (
        torch.zeros(_ROWS, _TOKENS, dtype=torch.int64)
        if name == "token_type_ids"
        else torch.ones(_ROWS, _TOKENS, dtype=torch.int64)
    )
    if name == "attention_mask":
        example[-1, _TOKENS // 2 :] = 0  # all ones would be left out of the graph
    return example


def _image(folder: Path, config: Any) -> tuple[int, int, int]:
    """Channels, height and width, as the pictures are prepared: what is variable there is fixed here, for many a model
    computes with the sides of the call that the exporter follows.
    """
    told = json_object.read(folder / "preprocessor_config.json") or {}
    sizes = (
        told.get("crop_size") if told.get("do_center_crop") else None,
        told.get("size"),
        getattr(config, "image_size", None),
    )
    height, width = next((found for size in sizes if (found := _sides(size))), (_SIDE, _SIDE))
    return int(getattr(config, "num_channels", 3)), height, width


def _sides(size: Any) -> tuple[int, int] | None:
    if isinstance(size, dict):
        sides = [size.get("height", size.get("shortest_edge")), size.get("width", size.get("shortest_edge"))]
    else:
        sides = [*size][:2] if isinstance(size, list | tuple) else [size, size]
    known = [side for side in sides if isinstance(side, int) and 0 < side <= _MOST_SIDE]
    return (known[0], known[1]) if len(known) == len(sides) == 2 else None
