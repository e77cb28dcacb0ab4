"""A Hugging Face folder as an original: its inputs, its ONNX model, its answers."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.conversion import TOKENIZER
from aimass.domain.errors import ConversionFailed
from aimass.formats import json_object
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters import _transformers_describes
from aimass.formats.converters._torch_onnx import arrays_of, fed, finished
from aimass.formats.converters._transformers import framework
from aimass.formats.converters._transformers_image import picture_size
from aimass.formats.converters._transformers_model import Opened, answering, opened
from aimass.formats.converters._transformers_tokenizer import write_tokenizer
from aimass.formats.member import shown

_OPSET = 17  # the highest that torch's older exporter writes without a detour
_IDS = "input_ids"
_ROWS, _TOKENS = 2, 8  # of the call that it follows


class Encoder:
    """A model of transformers that answers in one call."""

    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        self._folder = folder
        self._framework = framework(json_object.read(folder / "config.json") or {})
        self._opened = opened(folder, files)
        self._module = answering(self._opened)
        self._image = picture_size(folder, self._opened.config)

    @property
    def wanted(self) -> Sequence[Wanted]:
        config = self._opened.config
        highest = {_IDS: config.get_text_config().vocab_size - 1} if _IDS in self._opened.inputs else {}
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
        beside = list(write_tokenizer(self._folder, folder)) if _IDS in self._opened.inputs else []
        notes = (*self._opened.notes, *_transformers_describes.notes(self._folder), *beside)
        kept = (TOKENIZER,) if (folder / TOKENIZER).is_file() else ()
        told = _transformers_describes.described(self._folder, self._opened)
        return Converted(files[0], files, self._framework, self._labels(), told, notes, kept)

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        import torch

        with torch.inference_mode():
            answer = self._module(*fed(inputs, self.wanted))
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
    return Encoder(folder, candidate.files)


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
