from dataclasses import replace

from benchmarks.imports.catalogue import Entry
from benchmarks.imports.report import Outcome, short_table, tables

BOOSTED = Entry("boosted", "trees", "breast cancer", task="labels")
DIFFERENCES = [
    {"largest_absolute": None, "agreement": 0.995},
    {"largest_absolute": 2e-7, "agreement": 1.0},
    {"largest_absolute": 1e-3, "agreement": None},
]
CONVERSION = {
    "seconds": 1.25,
    "memory_bytes": 200 << 20,
    "replay": {"rows": 1045, "samples": "generated", "differences": DIFFERENCES},
}
READY = Outcome(
    BOOSTED,
    job={"state": "succeeded", "error": None},
    version={"state": "ready", "format": "xgboost-json", "conversion": CONVERSION},
    seconds=4.0,
    rows=284,
    before=0.9366,
    after=0.9331,
    same=0.5,
)


def refused(code, **changes):
    entry = replace(BOOSTED, ends="unsafe_pickle", **changes)
    return Outcome(entry, job={"state": "failed", "error": {"code": code, "message": "names a|b"}})


def test_a_converted_model_shows_its_worst_output_and_both_scores():
    row = "| boosted | breast cancer | xgboost-json | 4.0 | 1.2 | 200 | 1,045, generated | 1.0e-03 | 99.5 % "
    assert list(tables([READY]))[-1] == row + "| 0.9366 of 284 | 0.9331 | 50 % |"


def test_what_is_refused_as_it_should_be_stands_apart_from_what_is_not():
    lines = list(tables([READY, refused("unsafe_pickle"), refused("conversion_failed", name="other")]))
    assert [line for line in lines if line.startswith("##")] == [
        "## Converted: 1",
        "## Kept or refused: 1",
        "## Ended otherwise than they should: 1",
    ]
    assert lines[-1] == "| other | breast cancer | failed | conversion_failed | names a\\|b |"


def test_a_model_that_should_have_been_refused_and_was_not_is_told():
    lines = list(tables([replace(READY, entry=replace(BOOSTED, ends="unsafe_pickle"))]))
    assert "## Ended otherwise than they should: 1" in lines


def test_a_model_whose_answers_could_not_be_had_is_told_with_the_reason():
    broken = replace(READY, before=None, after=None, same=None, failed="a prediction: 500")
    assert not broken.as_meant
    assert list(tables([broken]))[-1].endswith("| a prediction: 500 |")


def test_the_short_table_has_a_row_a_format_and_tells_scores_that_differ():
    other = replace(READY, entry=replace(BOOSTED, name="other"), rows=100, after=0.9366, same=1.0)
    unscored = replace(READY, before=None, after=None, same=None)
    lines = list(short_table([refused("unsafe_pickle"), READY, other, unscored]))
    assert lines[2:] == ["| xgboost-json | 3 | 384 | 63.021 % | boosted 0.9366 → 0.9331, other 0.9366 |"]
