"""How sentence-transformers makes one embedding of a text's tokens, from the files of its modules.

https://sbert.net/docs/package_reference/sentence_transformer/models.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass.domain.errors import ConversionFailed
from aimass.formats import json_object
from aimass.formats.member import shown

_MODES = ("cls", "mean", "max", "mean_sqrt_len")
_REMEDY = "export it with optimum-cli export onnx --library sentence_transformers and send the folder"
_POOLING = "1_Pooling"
_MOST_MODULES = 20


@dataclass(frozen=True)
class Pooling:
    """`mode` makes one vector of many; `dense` and `normalize` come after it."""

    mode: str
    normalize: bool = False
    dense: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Pooling | None:
        """None for a folder that sentence-transformers did not write. Raises ConversionFailed for modules that it has
        and this lacks.
        """
        modules = _modules(folder)
        if modules is None:
            config = json_object.read(folder / _POOLING / "config.json")
            return cls(_mode(config)) if config else None
        kinds = [kind for kind, _ in modules]
        if kinds[:2] != ["Transformer", "Pooling"] or not {*kinds[2:]} <= {"Dense", "Normalize"}:
            raise ConversionFailed(f"the modules {shown(str(kinds))} of modules.json are not converted here; {_REMEDY}")
        dense = tuple(_dense(folder / path) for kind, path in modules if kind == "Dense")
        normalize = "Normalize" in kinds
        if normalize and kinds[-1] != "Normalize":
            raise ConversionFailed(f"modules.json has a layer behind the normalisation; {_REMEDY}")
        return cls(_mode(json_object.read(folder / modules[1][1] / "config.json") or {}), normalize, dense)

    def __call__(self, tokens: Any, mask: Any) -> Any:
        """[rows, tokens, width] and [rows, tokens] of ones and zeros become [rows, width]."""
        import torch

        vectors = _pooled(self.mode, tokens, mask)
        for layer in self.dense:
            vectors = torch.nn.functional.linear(vectors, layer["weight"], layer.get("bias"))
            vectors = torch.tanh(vectors) if layer["tanh"] else vectors
        return torch.nn.functional.normalize(vectors, p=2.0, dim=1) if self.normalize else vectors


def _pooled(mode: str, tokens: Any, mask: Any) -> Any:
    import torch

    if mode == "cls":
        return tokens[:, 0]
    spread = mask.unsqueeze(-1).expand(tokens.size()).to(tokens.dtype)
    if mode == "max":
        return torch.where(spread == 0, torch.full_like(tokens, -1e9), tokens).max(1).values
    count = torch.clamp(spread.sum(1), min=1e-9)
    return (tokens * spread).sum(1) / (count if mode == "mean" else torch.sqrt(count))


def _modules(folder: Path) -> list[tuple[str, str]] | None:
    """Kind and folder of each module, in order."""
    path = folder / "modules.json"
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_bytes()[: json_object.MAX_BYTES])
        found = [(str(one["type"]).rpartition(".")[2], str(one["path"])) for one in told[:_MOST_MODULES]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ConversionFailed("modules.json is not what sentence-transformers writes") from None
    if any(set(name) & set("/\\\0") or name == ".." for _, name in found):
        raise ConversionFailed("modules.json names a folder that is none of its own")
    return found


def _mode(config: Mapping[str, Any]) -> str:
    prefix = "pooling_mode_"
    on = [
        key.removeprefix(prefix).removesuffix("_tokens").removesuffix("_token")
        for key, value in config.items()
        if key.startswith(prefix) and value is True
    ]
    if isinstance(config.get("pooling_mode"), str):
        on = [config["pooling_mode"]]
    if len(on) != 1 or on[0] not in _MODES:
        told = f"the pooling {shown(str(on))} is not converted here, one of {', '.join(_MODES)} is"
        raise ConversionFailed(f"{told}; {_REMEDY}", pooling=[shown(one) for one in on])
    return on[0]


def _dense(folder: Path) -> Mapping[str, Any]:
    from safetensors.torch import load_file

    config = json_object.read(folder / "config.json") or {}
    activation = str(config.get("activation_function", "")).rpartition(".")[2]
    weights = folder / "model.safetensors"
    if activation not in {"Tanh", "Identity"} or not weights.is_file():
        raise ConversionFailed(
            f"the dense layer in {shown(folder.name)} has no safetensors or another activation; {_REMEDY}"
        )
    tensors = load_file(weights)
    return {"weight": tensors["linear.weight"].float(), "tanh": activation == "Tanh"} | (
        {"bias": tensors["linear.bias"].float()} if "linear.bias" in tensors else {}
    )
