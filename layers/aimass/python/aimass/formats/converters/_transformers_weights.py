"""The weights of a Hugging Face folder: whether they belong to its configuration, before memory is taken for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aimass.domain.errors import ConversionFailed
from aimass.formats.content import mapped
from aimass.formats.converters._torch_weights import state_of
from aimass.formats.member import shown
from aimass.formats.safetensors_header import read_header

_MOST_LAYERS = 1000
_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json", "pytorch_model.bin.index.json")


def name_weights(folder: Path, files: Sequence[str]) -> None:
    """Gives weights of another name the one that transformers looks for; those of a checkpoint are taken out of it."""
    import torch

    if any((folder / name).is_file() for name in _WEIGHTS) or len(files) < 2:
        return
    came = folder / files[1]
    if came.suffix == ".safetensors":
        came.rename(folder / _WEIGHTS[0])
        return
    state = state_of(torch.load(came, map_location="cpu", weights_only=True))
    torch.save({name.removeprefix("module."): tensor for name, tensor in state.items()}, folder / _WEIGHTS[1])


def check_sizes(told: Any) -> None:
    """Raises ConversionFailed for a number that no such model has: one layer after the other would be made of it."""
    stack = [("", told)]
    while stack:
        key, value = stack.pop()
        most = _MOST_LAYERS if "layers" in key or key in {"n_layer", "depth", "depths"} else None
        if isinstance(value, dict):
            stack.extend((str(inner), item) for inner, item in value.items())
        elif isinstance(value, list):
            stack.extend((key, item) for item in value)
        elif most and type(value) is int and value > most:
            raise ConversionFailed(
                f"config.json says {shown(key)}: {value}; at most {most}", field=shown(key), limit=most
            )


def check_shapes(folder: Path, config: Any, kind: Any) -> None:
    """Raises ConversionFailed for a configuration of more numbers than there are weights, before memory is taken."""
    import torch

    there = sum(_elements(path) for path in folder.iterdir() if path.is_file() and path.suffix != ".json")
    with torch.device("meta"):
        model = kind.from_config(config) if hasattr(kind, "from_config") else kind(config)
    wanted = sum(parameter.numel() for parameter in model.parameters())
    if wanted > 2 * there + 1_000_000:
        text = f"config.json describes a model of {wanted} parameters, and the weights have {there}"
        raise ConversionFailed(f"{text}: send the two that belong together", described=wanted, found=there)


def _elements(path: Path) -> int:
    if path.suffix != ".safetensors":
        return path.stat().st_size  # a byte each at least
    with mapped(path) as content:
        return sum(tensor.elements for tensor in read_header(content, shown(path.name)).values())


def check_loaded(loading: Mapping[str, Any]) -> None:
    """Raises ConversionFailed where a weight was made up and answers by chance; the pooler's answer is not used."""
    missing = sorted(str(key) for key in loading["missing_keys"] if not str(key).startswith("pooler."))
    if missing:
        names = [shown(key) for key in missing[:5]]
        raise ConversionFailed(
            f"the weights lack {len(missing)} tensors that the architecture has, such as {', '.join(names)}: "
            "send the folder that save_pretrained() wrote after training",
            missing=names,
        )
