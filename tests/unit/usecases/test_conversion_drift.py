"""How near a conversion came: what its version keeps, and what ends the import."""

from dataclasses import replace

import pytest

from aimass.domain.conversion import Difference
from aimass.domain.errors import ConversionDrift
from tests.unit.usecases.converting import CLOSE, FAR


def test_drift_ends_the_import_with_its_numbers(place):
    at = place()
    at.leave_model([CLOSE, FAR])
    with pytest.raises(
        ConversionDrift, match=r"probabilities differs by up to 0\.25, where 1e-05 and 0\.0001"
    ) as drift:
        at.collect()
    assert "accept_drift=true" in drift.value.message
    details = drift.value.details
    assert [one["largest_absolute"] for one in details["differences"]] == [0.25]
    assert (details["rows"], details["examples"]) == (256, [{"row": 3}])
    assert any("BEYOND the tolerance" in line for line in at.log())


def test_labels_that_drift_are_told_by_their_share(place):
    at = place()
    at.leave_model([Difference("label", "INT64", None, None, 0.875, 0.0, 0.0, False)])
    with pytest.raises(ConversionDrift, match=r"label: 87\.50% of the rows agree"):
        at.collect()


def test_a_note_that_is_too_long_ends_at_a_whole_word(place):
    at = place()
    at.leave_model(notes=["word " * 100, "a sentence that is kept. " * 10 + "one that does not fit " * 10])
    long, sentences = at.collect().conversion.notes
    assert long == "word " * 78 + "word…"
    assert sentences.endswith("that is kept…")


def test_drift_whose_cause_is_known_names_it(place):
    at = place()
    at.leave_model([FAR], notes=["rounded to single precision: input 't', up to 64 off", "another"])
    with pytest.raises(ConversionDrift, match=r"rounded to single precision: input 't', up to 64 off\. Retry the job"):
        at.collect()


def test_drift_that_its_owner_accepts_is_marked(place):
    at = place(accept_drift=True)
    at.leave_model([FAR])
    assert at.collect().conversion.drift_accepted is True


def test_accepting_drift_marks_nothing_where_there_is_none(place):
    at = place(accept_drift=True)
    at.leave_model()
    assert at.collect().conversion.drift_accepted is False


def test_numbers_that_no_table_holds_are_kept_as_near_as_it_can(place):
    at = place()
    at.leave_model([replace(CLOSE, largest_absolute=1e-300, largest_relative=1e300)])
    (kept,) = at.collect().conversion.replay.differences
    assert (kept.largest_absolute, kept.largest_relative) == (0.0, 1e100)


def test_seconds_that_no_table_holds_are_none(place):
    at = place()
    at.leave_model(seconds=1e-140)
    assert at.collect().conversion.seconds == 0.0
