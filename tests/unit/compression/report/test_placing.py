from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from aimass.compression.report.placing import Box, place, width

BOUNDS = Box(0, 0, 560, 400)
POINTS = st.lists(st.tuples(st.floats(10, 550), st.floats(10, 390), st.text(min_size=1, max_size=24)), max_size=16)


@given(POINTS)
def test_no_label_lies_over_another_or_over_a_point_or_outside(points: list[tuple[float, float, str]]) -> None:
    marks = [Box(x - 7, y - 7, x + 7, y + 7) for x, y, _ in points]
    boxes = [it.box for it in place(points, marks, [], BOUNDS, 13) if it]
    assert not any(one.meets(other) for one, other in combinations(boxes, 2))
    assert not any(box.meets(mark) for box in boxes for mark in marks)
    assert all(box.within(BOUNDS) for box in boxes)


def test_points_that_are_one_all_get_a_label() -> None:
    points = [(280.0, 200.0, str(at)) for at in range(14)]
    assert all(place(points, [Box(273, 193, 287, 207)], [], BOUNDS, 13))


def test_a_bar_is_kept_clear_where_there_is_room_beside_it() -> None:
    bar = Box(300, 0, 302, 400)
    (found,) = place([(280.0, 200.0, "long enough")], [Box(273, 193, 287, 207)], [bar], BOUNDS, 13)
    assert found
    assert not found.box.meets(bar)


def test_no_room_gives_no_label() -> None:
    assert place([(280.0, 200.0, "x")], [BOUNDS], [], BOUNDS, 13) == [None]


def test_wide_letters_take_more_room() -> None:
    assert width("\u6f22", 10) > width("a", 10)
