"""What is said of a model that can't be written as ONNX."""

from __future__ import annotations

from aimass.domain.errors import ConversionFailed


def cannot(what: str, remedy: str) -> ConversionFailed:
    """`what` it has that ONNX lacks, and what to do instead."""
    return ConversionFailed(f"{what} can't be written as ONNX: {remedy}", remedy=remedy)
