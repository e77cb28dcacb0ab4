"""Labels beside points, none over another or over a point."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_DISTANCES = (9, 14, 20, 28, 38, 50, 66, 84, 110)
_DIRECTIONS = (0, 180, 30, 330, 150, 210, 60, 300, 120, 240, 90, 270)  # degrees, the best to read first
_NEAR = 14  # from here on a line leads to the point
_CLEAR = 38  # a text over a bar reads better than one farther away
_WIDE, _NARROW = 1.0, 0.62  # of the text's size


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)

    def within(self, other: Box) -> bool:
        wide = self.left >= other.left and self.right <= other.right
        return wide and self.top >= other.top and self.bottom <= other.bottom


@dataclass(frozen=True)
class Placed:
    """`box` is the text's, so many pixels from its point."""

    box: Box
    distance: float

    @property
    def leader(self) -> bool:
        """Whether it is so far that a line must lead there."""
        return self.distance > _NEAR


def place(
    points: Sequence[tuple[float, float, str]], taken: Sequence[Box], spared: Sequence[Box], bounds: Box, size: float
) -> list[Placed | None]:
    """One box for each (x, y, text), the first ones first; None where no room is left.

    No text lies over what is `taken`, or another; `spared` is kept clear where a place nearby allows it.
    """
    boxes, found = list(taken), []
    for x, y, text in points:
        places = [it for it in _places(x, y, text, size) if _free(it.box, boxes, bounds)]
        near = (it for it in places if it.distance <= _CLEAR)
        clear = (it for it in near if not any(it.box.meets(other) for other in spared))
        one = next(clear, None) or next(iter(places), None)
        found.append(one)
        if one:
            boxes.append(one.box)
    return found


def width(text: str, size: float) -> float:
    """At most about so many pixels."""
    return sum(size * (_WIDE if unicodedata.east_asian_width(letter) in "WF" else _NARROW) for letter in text)


def _places(x: float, y: float, text: str, size: float) -> list[Placed]:
    wide, high = width(text, size), size * 1.15
    found = []
    for distance in _DISTANCES:
        for direction in _DIRECTIONS:
            across, down = math.cos(math.radians(direction)), math.sin(math.radians(direction))
            # The box touches the circle of that distance with the side that looks to the point.
            middle = x + across * (distance + wide / 2 * abs(across)), y - down * (distance + high / 2)
            box = Box(middle[0] - wide / 2, middle[1] - high / 2, middle[0] + wide / 2, middle[1] + high / 2)
            found.append(Placed(box, distance))
    return found


def _free(box: Box, taken: Sequence[Box], bounds: Box) -> bool:
    return box.within(bounds) and not any(box.meets(other) for other in taken)
