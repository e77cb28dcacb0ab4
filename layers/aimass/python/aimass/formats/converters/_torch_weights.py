"""Weights that came without what computes with them: what can be said of them, and of the way to send both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from aimass.domain.errors import ArchitectureUnknown, ConversionFailed
from aimass.formats.converter import Candidate
from aimass.formats.member import shown

# What wraps the weights in a checkpoint of a training loop.
_WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "module",
    "net",
    "network",
    "ema",
    "weights",
    "params",
)
# Names that the tensors of transformers' models begin with.
_TRANSFORMERS = (
    *("bert.", "roberta.", "distilbert.", "electra.", "albert.", "deberta.", "mpnet.", "xlm_roberta."),
    *(
        "encoder.layer.",
        "embeddings.word_embeddings.",
        "transformer.h.",
        "model.layers.",
        "vit.",
        "deit.",
        "swin.",
        "convnext.",
    ),
)
_SHOWN = 4
_EXPORT = (
    "program = torch.export.export(model.eval(), (example,), dynamic_shapes=({0: torch.export.Dim('batch')},)); "
    "torch.export.save(program, 'model.pt2')"
)


def refuse(folder: Path, candidate: Candidate) -> NoReturn:
    """Raises ArchitectureUnknown, which names some of the tensors; ConversionFailed for weights that can't be read."""
    path = folder / candidate.main
    tensors = _tensors(path, candidate.format)
    named = [f"{shown(name)} {list(shape)}" for name, shape in [*tensors.items()][:_SHOWN]]
    family = any(name.startswith(_TRANSFORMERS) for name in tensors)
    hint = (
        "they look like those of a Hugging Face model: send its config.json and tokenizer beside them, or "
        if family
        else ""
    )
    raise ArchitectureUnknown(
        f"{shown(path.name)} holds {len(tensors)} tensors ({', '.join(named)} …) and not the module that computes with "
        f"them; {hint}export both where the module's code is: {_EXPORT}",
        tensors=len(tensors),
        first=named,
    )


def _tensors(path: Path, kind: str) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor by its name."""
    if kind == "safetensors":
        from safetensors import safe_open

        with safe_open(path, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    import torch

    try:
        loaded = torch.load(path, map_location="meta", weights_only=True)
    except (RuntimeError, ValueError, EOFError, KeyError) as error:
        raise ConversionFailed(f"{shown(path.name)} can't be read: {shown(str(error).splitlines()[0])}") from None
    return {name: tuple(value.shape) for name, value in state_of(loaded).items()}


def state_of(loaded: Any) -> Mapping[str, Any]:
    """The tensors of a state dict, taken out of a checkpoint. Empty where there are none."""
    import torch

    seen = loaded
    for _ in range(3):
        if not isinstance(seen, Mapping):
            return {}
        tensors = {str(name): value for name, value in seen.items() if isinstance(value, torch.Tensor)}
        if tensors:
            return tensors
        seen = next((seen[name] for name in _WRAPPERS if name in seen), None)
    return {}
