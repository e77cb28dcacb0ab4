"""The words of a converted model that the states after its conversion carry."""

import pytest

from aimass.domain.errors import ConversionFailed
from aimass.formats.converters._table import table


def test_more_names_than_a_state_carries_are_refused(place):
    at = place()
    at.leave_model(labels=["x" * 1000] * 41)
    with pytest.raises(ConversionFailed, match="41 class names"):
        at.collect()


def left(at, **changes):
    at.leave_model(**changes)
    converted = at.collect()
    return converted.describes, converted.conversion.notes


def test_categories_that_take_too_much_room_are_left_out_with_a_note(place):
    columns = [{"name": "town", "missing": "", "values": [f"{number:0100}" for number in range(500)]}, {"name": "age"}]
    described, notes = left(place(), describes={"input": {"table": {"missing": "nan", "columns": columns}}})
    assert described == {
        "input": {"table": {"missing": "nan", "columns": [{"name": "town", "missing": ""}, {"name": "age"}]}}
    }
    assert notes == (
        "the categories of its columns take too much room and are left out: describe them in aimass.yaml",
        "a note",
    )


def test_columns_that_take_too_much_room_are_left_out_and_the_rest_stays(place):
    scores = {"output": {"output": "scores", "activation": "none"}}
    describes = table([f"{number:0100}" for number in range(500)], takes_nan=True) | scores
    described, notes = left(place(), describes=describes)
    assert described == {"input": {"table": {"missing": "nan"}}} | scores
    assert notes[0].startswith("the names of its columns take too much room")


@pytest.mark.parametrize(
    "describes", [{"x": "y" * 50_000}, {"input": "y" * 50_000}, {"input": {"table": ["y" * 50_000]}}]
)
def test_whatever_else_takes_too_much_room_is_left_out(place, describes):
    assert left(place(), describes=describes)[0] == {}


@pytest.mark.parametrize("word", ["a" * 90, "ä" * 90, "\U0001f600" * 90], ids=["ascii", "umlauts", "emoji"])
def test_what_converters_say_of_categories_fits_beside_the_names_of_columns(place, word):
    names = [f"column {number}" for number in range(60)]
    told = table(names, {name: [f"{word}{number}" for number in range(30)] for name in names})
    described, notes = left(place(), describes=told)
    assert (described, notes) == (told, ("a note",))
    assert any("values" in column for column in described["input"]["table"]["columns"])
