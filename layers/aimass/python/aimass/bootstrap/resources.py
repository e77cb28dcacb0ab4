"""What a function has, and what the processes that it starts may use of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aimass.sandbox.limits import Limits

MIB = 1024 * 1024
_PARENT_MIB = 512  # what a step's own process keeps of its function's memory
_COMPRESS_SECONDS = 840.0  # for one step, of the 900 that a function has; the rest is for files
_UNPACKED_MIB = 5120  # what an archive may unpack to, beside an upload of 4 GiB on a disk of 10


def machine_cores() -> int | None:
    """Of the one machine that everything runs on, where functions share it; None on Lambda."""
    cores = os.environ.get("MACHINE_CORES")
    return int(cores) if cores else None


def memory_mb() -> int:
    """Of this function, in MiB."""
    return int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])


def identify_limits() -> Limits:
    """What the process that opens an upload may use of its function."""
    from aimass.sandbox.limits import Limits

    memory = memory_mb() - _PARENT_MIB
    return Limits(seconds=300, memory_bytes=memory * MIB, file_bytes=_UNPACKED_MIB * MIB)


def verify_limits() -> Limits:
    """What a model may use: the memory of the function that will serve it."""
    from aimass.sandbox.limits import Limits

    memory = int(os.environ["MODEL_MEMORY_MB"])
    return Limits(seconds=600, memory_bytes=memory * MIB, file_bytes=_UNPACKED_MIB * MIB)


def compress_limits() -> Limits:
    """What the process that compresses a model may use of its function."""
    from aimass.sandbox.limits import Limits

    memory = memory_mb() - _PARENT_MIB
    return Limits(seconds=_COMPRESS_SECONDS, memory_bytes=memory * MIB, file_bytes=_UNPACKED_MIB * MIB)


def compress_large_bytes() -> int:
    """Models of more bytes are compressed by a job."""
    return int(os.environ["COMPRESS_LARGE_MB"]) * MIB


def prediction_seconds() -> float:
    """How long one prediction may take."""
    return float(os.environ["PREDICTION_SECONDS"])
