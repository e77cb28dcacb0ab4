"""Which libraries converted a model."""

from __future__ import annotations

import sys

_TOOLS = (
    *("numpy", "onnx", "onnxruntime", "skl2onnx", "onnxscript", "tf2onnx"),
    *("sklearn", "skops", "xgboost", "lightgbm", "catboost"),
    *("torch", "transformers", "safetensors", "tensorflow", "keras"),
)


def loaded_tools() -> dict[str, str]:
    """Those that were imported, with their versions."""
    loaded = {name: getattr(sys.modules.get(name), "__version__", None) for name in _TOOLS}
    return {name: str(version) for name, version in loaded.items() if version}
