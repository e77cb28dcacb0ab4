"""Blocks of values as whole numbers of few bits with a scale each."""

from __future__ import annotations

from typing import Any

import numpy as np

# Scales that are tried for a block, as shares of the one that spans it: rounding more finely may pay for clipping.
_SHRUNK = (1.0, 0.95, 0.9, 0.85, 0.8)


def nearest(blocks: Any, bits: int) -> tuple[Any, Any]:
    """uint8 as `blocks`, float32 [..., 1]: (whole - middle) * scale is near to the blocks."""
    middle = 1 << (bits - 1)
    blocks = blocks.astype(np.float64)
    # The value furthest from zero takes the end of the range that has one level more.
    furthest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=-1)[..., None], axis=-1)
    span = np.where(furthest != 0, furthest / -middle, 1).astype(np.float32)
    best, scales, least = None, span, None
    for share in _SHRUNK:
        scale = (span * np.float32(share)).astype(np.float32)
        whole = np.clip(np.rint(blocks / scale) + middle, 0, 2 * middle - 1).astype(np.uint8)
        off = np.square((whole.astype(np.float64) - middle) * scale - blocks).sum(axis=-1, keepdims=True)
        better = off < least if least is not None else np.ones_like(off, bool)
        best = whole if best is None else np.where(better, whole, best)
        scales, least = np.where(better, scale, scales), off if least is None else np.minimum(off, least)
    return best, scales


def two_a_byte(whole: Any) -> Any:
    """Values of four bits along the last axis, the first of two in the lower half."""
    return np.ascontiguousarray(whole[..., 0::2] | whole[..., 1::2] << 4)
