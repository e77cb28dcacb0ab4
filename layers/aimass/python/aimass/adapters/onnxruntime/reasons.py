"""ONNX Runtime's errors as ours."""

from __future__ import annotations

import re

from aimass.domain.errors import AimassError, PredictionFailed, PredictionOutOfMemory

_MEMORY = re.compile(r"bad_alloc|Failed to allocate memory|Cannot allocate memory|bad allocation")
_PREFIX = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : ")
_SOURCE = re.compile(r"/\S+\.(?:cc|h|cpp|hpp):\d+ (?:[^\n]*?\)(?: const)? (?=[\w\['\"]))?")
_MAX_CHARACTERS = 1000


def prediction_error(error: Exception, folder: str) -> AimassError:
    """PredictionOutOfMemory or PredictionFailed with the runtime's reason; `folder` and source paths are cut out."""
    if isinstance(error, AimassError):
        return error
    if isinstance(error, MemoryError) or _MEMORY.search(str(error)):
        return PredictionOutOfMemory(
            "this prediction asks for more memory than its function has; send fewer rows a call"
        )
    if isinstance(error, UnicodeDecodeError):
        return PredictionFailed("an output holds bytes that are not UTF-8, which the runtime does not hand out")
    return PredictionFailed(f"the runtime refused: {reason(str(error), folder)}")


def reason(text: str, folder: str) -> str:
    """The readable part of an ONNX Runtime message."""
    text = _SOURCE.sub("", _PREFIX.sub("", text).replace(folder, ""))
    return " ".join(text.split())[:_MAX_CHARACTERS]
