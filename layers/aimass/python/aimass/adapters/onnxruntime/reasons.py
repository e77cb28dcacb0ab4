"""ONNX Runtime's errors as ours."""

from __future__ import annotations

from aimass.domain.errors import AimassError, PredictionFailed, PredictionOutOfMemory
from aimass.inference.onnxruntime.words import reason, tells_of_memory


def prediction_error(error: Exception, folder: str) -> AimassError:
    """PredictionOutOfMemory or PredictionFailed with the runtime's reason; `folder` and source paths are cut out."""
    if isinstance(error, AimassError):
        return error
    if isinstance(error, MemoryError) or tells_of_memory(str(error)):
        return PredictionOutOfMemory(
            "this prediction asks for more memory than its function has; send fewer rows a call"
        )
    if isinstance(error, UnicodeDecodeError):
        return PredictionFailed("an output holds bytes that are not UTF-8, which the runtime does not hand out")
    return PredictionFailed(f"the runtime refused: {reason(str(error), folder)}")
