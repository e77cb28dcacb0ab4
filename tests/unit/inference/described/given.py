"""Versions with a description, and picture files."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from aimass.domain.description import Description, ImageInput
from aimass.domain.model import TensorSpec, Version
from aimass.inference.dataplane import Pictures
from aimass.inference.described.inputs import described_inputs

RNG = np.random.default_rng(7)


def spec(name: str, datatype: str, *shape: int) -> TensorSpec:
    return TensorSpec(name, datatype, shape, "tensor(float)")


def version(*inputs: TensorSpec, description: Description | None = None, **changes: Any) -> Version:
    return Version("m", 3, "ready", "job", "now", "m.onnx", inputs=inputs, description=description, **changes)


def no_assets(file: Any) -> Any:
    raise AssertionError(f"{file} was asked for")


def pixels(height: int, width: int, channels: int = 3) -> np.ndarray[Any, Any]:
    """Random ones, so that a mistake in any place shows."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def file_of(image: Any, kind: str = "PNG", **options: Any) -> bytes:
    """A picture, or an array of its pixels, as a file."""
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tensor(files: tuple[bytes, ...], x: TensorSpec | None = None, **how: Any) -> np.ndarray[Any, Any]:
    """What pictures become for input `x`: by default [rows, 3, height, width] of FP32."""
    described = Description(image=ImageInput("x", **how))
    given = version(x or spec("x", "FP32", -1, -1, -1, -1), description=described)
    found = described_inputs(given, Pictures(files), no_assets)
    assert list(found) == ["x"]
    return found["x"]
