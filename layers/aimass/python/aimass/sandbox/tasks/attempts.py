"""Shapes to try for inputs whose dimensions are variable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Dimension = int | str | None
Shape = tuple[int, ...]

_BATCH = re.compile(r"batch|^(n|b|bs|none)$", re.I)
_CHANNELS = re.compile(r"channel|^c$", re.I)
# (side of a picture, length of anything else), the most usual first.
_SIZES = (
    (224, 16),
    (32, 1),
    (64, 8),
    (1, 2),
    (128, 32),
    (256, 64),
    (299, 128),
    (512, 256),
    (640, 512),
    (28, 4),
    (12, 3),
)
# Lengths only: features, tokens, samples of sound.
_LENGTHS = (5, 6, 7, 10, 12, 13, 20, 24, 30, 40, 50, 80, 100, 384, 576, 768, 784, 1024, 1280, 2048, 4096, 16000, 32000)


@dataclass(frozen=True)
class Attempt:
    """One guess at all variable dimensions."""

    side: int
    length: int
    channels: int = 3
    channels_last: bool = False
    batch: int = 1
    rank: int = 0

    def shapes(self, declared: Sequence[Sequence[Dimension]]) -> tuple[Shape, ...]:
        """A shape for each input; a dimension's name means the same size in all of them."""
        symbols: dict[str, int] = {}
        return tuple(self._shape(shape, symbols) for shape in declared)

    def _shape(self, shape: Sequence[Dimension], symbols: dict[str, int]) -> Shape:
        # The runtime shows a scalar and an unknown rank alike.
        shape = shape or (None,) * self.rank
        sizes = []
        for axis, dimension in enumerate(shape):
            if isinstance(dimension, int) and dimension >= 0:
                sizes.append(dimension)
                continue
            size = self._size(dimension, axis, len(shape))
            sizes.append(symbols.setdefault(dimension, size) if isinstance(dimension, str) else size)
        return tuple(sizes)

    def _size(self, dimension: Dimension, axis: int, rank: int) -> int:
        name = dimension if isinstance(dimension, str) else ""
        if _BATCH.search(name) or (axis == 0 and rank > 1):
            return self.batch
        if _CHANNELS.search(name) or (rank == 4 and axis == (3 if self.channels_last else 1)):
            return self.channels
        return self.side if rank == 4 else self.length


def attempts() -> Iterator[Attempt]:
    """All guesses, the likeliest first."""
    for channels in (3, 1):
        for channels_last in (False, True):
            for side, length in _SIZES:
                yield Attempt(side, length, channels, channels_last)
    for length in _LENGTHS:
        yield Attempt(224, length)
    for rank in (1, 2, 3, 4):
        for side, length in _SIZES[:4]:
            yield Attempt(side, length, rank=rank)
    for side, length in _SIZES:
        yield Attempt(side, length, batch=length)


def sized(sizes: Iterable[int]) -> Iterator[Attempt]:
    """Guesses that take every variable dimension for one of `sizes`."""
    for size in sizes:
        yield Attempt(size, size)


def numbers_in(words: str) -> set[int]:
    """Sizes in the runtime's complaint, such as 30 and 10 in `Dimension mismatch, W: {30,10}`."""
    return {int(number) for number in re.findall(r"(?<![\w.])[1-9]\d{0,4}(?![\w.])", words)}
