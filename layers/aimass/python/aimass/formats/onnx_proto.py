"""onnx's generated protobuf messages, for the sandboxed child only.

The module is loaded by itself: `import onnx` would bring numpy, the reference helpers and 120 ms.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_NAME = "onnx.onnx_ml_pb2"


def messages() -> Any:
    """The module that holds ModelProto and the others."""
    loaded: ModuleType | None = sys.modules.get(_NAME)
    if loaded is not None:
        return loaded
    package = importlib.util.find_spec("onnx")
    assert package is not None
    assert package.origin is not None
    spec = importlib.util.spec_from_file_location(_NAME, Path(package.origin).with_name("onnx_ml_pb2.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
