"""A folder of Hugging Face's transformers, opened: its own classes alone, safetensors before pickles, float32."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass.domain.errors import ArchitectureUnknown
from aimass.formats import json_object
from aimass.formats.converters._sentence import Pooling
from aimass.formats.converters._transformers_weights import check_loaded, check_shapes, check_sizes, name_weights
from aimass.formats.member import shown

# What an architecture is for, by the end of its name: what of its answer is handed on.
_TASKS = {
    "ForSequenceClassification": ("logits",),
    "ForTokenClassification": ("logits",),
    "ForQuestionAnswering": ("start_logits", "end_logits"),
    "ForMaskedLM": ("logits",),
    "ForImageClassification": ("logits",),
    "Model": ("last_hidden_state",),
}
_TAKEN = "text, token and image classification, question answering, masked language models and embeddings"
_IDS, _MASK, _TYPES, _PIXELS = "input_ids", "attention_mask", "token_type_ids", "pixel_values"


@dataclass(frozen=True)
class Opened:
    """`answered` is what of the model's answer is handed on, or what `pooling` makes one vector of."""

    model: Any
    config: Any
    inputs: tuple[str, ...]
    answered: tuple[str, ...]
    pooling: Pooling | None
    notes: tuple[str, ...]

    @property
    def outputs(self) -> tuple[str, ...]:
        return ("sentence_embedding",) if self.pooling else self.answered

    @property
    def by_token(self) -> bool:
        """Whether its answers are one for each token."""
        one_each = not type(self.model).__name__.endswith("ForSequenceClassification")
        return _IDS in self.inputs and self.pooling is None and one_each


def opened(folder: Path, files: Sequence[str]) -> Opened:
    """Opens a folder of these files.

    Raises ArchitectureUnknown for a class that transformers lacks or that is for another task, ConversionFailed for
    weights that are not those of its configuration.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when transformers is imported
    import torch

    told = json_object.read(folder / "config.json") or {}
    check_sizes(told)
    name_weights(folder, files)
    config = _config(folder, told)
    kind, answered = _architecture(told, config)
    check_shapes(folder, config, kind)
    model, loading = kind.from_pretrained(
        folder,
        config=config,
        local_files_only=True,
        trust_remote_code=False,
        weights_only=True,
        dtype=torch.float32,
        output_loading_info=True,
        attn_implementation="eager",
    )
    check_loaded(loading)
    pooling = Pooling.read(folder) if answered == _TASKS["Model"] and _MASK in _inputs(model, config) else None
    return Opened(model.eval(), config, _inputs(model, config), answered, pooling, tuple(_notes(told, pooling)))


def _architecture(told: Mapping[str, Any], config: Any) -> tuple[Any, tuple[str, ...]]:
    """The class of transformers that config.json names, or its type's encoder where it names none."""
    import transformers

    named = told.get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else ""
    kind = getattr(transformers, name, None) if name.isidentifier() else transformers.AutoModel
    answered = next((task for end, task in _TASKS.items() if (name or "Model").endswith(end)), None)
    decodes = getattr(config, "is_encoder_decoder", False) and not name.endswith("EncoderModel")
    known = isinstance(kind, type) and (
        kind is transformers.AutoModel or issubclass(kind, transformers.PreTrainedModel)
    )
    if not known or answered is None or decodes:
        raise ArchitectureUnknown(
            f"models of the architecture {shown(name) or shown(str(told.get('model_type')))} are not converted here, "
            f"those for {_TAKEN} are; export it with optimum-cli export onnx and send the folder",
            architecture=shown(name),
        )
    return kind, answered


def _config(folder: Path, told: Mapping[str, Any]) -> Any:
    """Raises ArchitectureUnknown for a model of another library's, or that brings code of its own."""
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, KeyError) as error:
        kind = shown(str(told.get("model_type")))
        own = "brings code of its own (auto_map), which is not run here" if "auto_map" in told else "is not known here"
        raise ArchitectureUnknown(
            f"the model type {kind} {own} (transformers {transformers.__version__}); export it to a .pt2 with "
            f"torch.export where its code is: {shown(str(error).splitlines()[0])}",
            model_type=kind,
        ) from None
    if hasattr(config, "use_cache"):
        config.use_cache = False
    config.return_dict = True
    return config


def _inputs(model: Any, config: Any) -> tuple[str, ...]:
    main = model.main_input_name
    if main == _PIXELS:
        return (_PIXELS,)
    takes = inspect.signature(model.forward).parameters
    if main != _IDS or _MASK not in takes:
        raise ArchitectureUnknown(
            f"a model that takes {shown(str(main))} is not converted here, those for {_TAKEN} are"
        )
    if _PIXELS in takes:
        raise ArchitectureUnknown(
            "a model that takes texts and pictures together is not converted here; export it with optimum-cli export "
            "onnx and send what comes of it"
        )
    typed = _TYPES in takes and (getattr(config, "type_vocab_size", 0) or 0) > 1
    return (_IDS, _MASK, _TYPES) if typed else (_IDS, _MASK)


def _notes(told: Mapping[str, Any], pooling: Pooling | None) -> Iterator[str]:
    kept = str(told.get("dtype") or told.get("torch_dtype") or "float32")
    if kept in {"float16", "bfloat16"}:
        yield f"its weights are {kept}; original and ONNX model compute in float32"
    if pooling:
        parts = [
            f"{pooling.mode} pooling",
            *(["a dense layer"] if pooling.dense else []),
            *(["normalisation"] if pooling.normalize else []),
        ]
        yield f"sentence_embedding is what sentence-transformers answers: {', '.join(parts)}"


def answering(opened: Opened) -> Any:
    """The module that torch's exporters follow."""
    import torch

    class Answering(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = opened.model

        def forward(self, *tensors: Any) -> tuple[Any, ...]:
            feed = dict(zip(opened.inputs, tensors, strict=True))
            answer = self.model(**feed)
            if opened.pooling:
                return (opened.pooling(answer[opened.answered[0]], feed[_MASK]),)
            return tuple(answer[name] for name in opened.answered)

    return Answering().eval()
