import json
from dataclasses import replace
from pathlib import Path

from aimass.compression.measure import Cost
from aimass.compression.statistics import Loss
from benchmarks.compression.catalogue import Entry
from benchmarks.compression.goals import Figures
from benchmarks.compression.ours import Job, Variant
from benchmarks.compression.outcome import Ours, Outcome, Rival
from benchmarks.compression.report import tables
from benchmarks.compression.scoring import Score

ENTRY = Entry("net", "image CNN", "pictures", "pictures", "torch", "accuracy", ({"accuracy_drop": 0.005},))
COST = Cost(load_ms=1.0, p50_ms=0.8, p99_ms=1.0, best_ms=0.7, runs=100, memory_bytes=None)
LOSS = Loss(estimate=0.001, upper=0.003, lower=-0.001, confidence=0.95, rows=1000)
SCORE = Score(0.9, LOSS, Figures(7.5, 9.0, 4.0, 0.001, False), 1_000_000, 800_000, COST, COST)
VARIANT = Variant("pruned50-int8", "chosen", Path("model.onnx"), Loss(0.002, 0.0045, 0.0, 0.9875, 7000))
JOB = Job({"accuracy_drop": 0.005}, 61.4, "It is proven.", (VARIANT,), {"clean": "It is not faster."})
OUTCOME = Outcome(
    ENTRY,
    {"minutes": 3.0, "data": "pictures 1"},
    7_500_000,
    5_000_000,
    0.901,
    0.8,
    (),
    (JOB,),
    (Ours(JOB, VARIANT, SCORE),),
)


def rows_of(outcome, beginning):
    return [line for line in tables([outcome]) if line.startswith(beginning)]


def test_a_variant_shows_its_bounds_on_test_rows_and_on_held_out_rows():
    (row,) = rows_of(OUTCOME, "|  | platform")
    told = "**pruned50-int8** | 1.00 | 7.50 | 9.00 | 4.00 | 0.9000 | 0.10, at most 0.30 | 0.20, at most 0.45 | 61 |"
    assert row == f"|  | platform, accuracy_drop 0.005: {told}"


def test_the_original_shows_what_packing_alone_does():
    assert rows_of(OUTCOME, "| net | original") == [
        "| net | original | 7.50 | 1 | 1.50 | p50 0.80 ms | accuracy 0.9010 |  |  |  |"
    ]


def test_a_goal_is_reached_by_a_variant_and_the_better_one_says_what_it_lacks():
    row = rows_of(OUTCOME, "| net | image CNN")[0]
    assert "**yes**: pruned50-int8 |" in row
    assert row.endswith("no: pruned50-int8: 4.00 of 5 times faster |")


def test_the_variant_that_lacks_least_is_named():
    slow = replace(SCORE, figures=replace(SCORE.figures, smaller=2.0, faster=1.0))
    passed = replace(VARIANT, name="int8", verdict="passed")
    outcome = replace(OUTCOME, ours=(Ours(JOB, passed, slow), *OUTCOME.ours))
    assert [reached for reached, _ in outcome.reached()] == [True, False]


def test_a_model_that_is_left_alone_has_the_platforms_reason_and_reaches_nothing():
    job = replace(JOB, variants=(), reason="The original is best left alone.")
    outcome = replace(OUTCOME, jobs=(job,), ours=())
    assert outcome.reached() == [(False, "The original is best left alone.")] * 2
    (row,) = rows_of(outcome, "|  | platform")
    assert "left alone: The original is best left alone." in row


def test_a_rival_that_makes_no_model_says_why():
    outcome = replace(OUTCOME, rivals=(Rival("quantize_dynamic", None, "ValueError: no | domain"),))
    (row,) = rows_of(outcome, "|  | quantize_dynamic")
    assert "no model: ValueError: no \\| domain" in row


def test_bytes_that_two_jobs_publish_are_listed_again_only_where_they_are_chosen():
    again = replace(OUTCOME.ours[0], again=True)
    passed = replace(again, variant=replace(VARIANT, verdict="passed"))
    assert len(rows_of(replace(OUTCOME, ours=(*OUTCOME.ours, passed)), "|  | platform")) == 1
    assert len(rows_of(replace(OUTCOME, ours=(*OUTCOME.ours, again)), "|  | platform")) == 2


def test_all_rows_of_a_table_have_its_columns():
    widths = {}
    for line in tables([replace(OUTCOME, rivals=(Rival("quantize_static", SCORE), Rival("other", None, "x")))]):
        if line.startswith("| "):
            widths.setdefault(line.count(" | "), []).append(line)
    assert set(widths) == {5, 9, 3}


def test_json_has_every_score():
    written = json.loads(json.dumps(replace(OUTCOME, rivals=(Rival("quantize_static", SCORE),)).to_json()))
    assert written["ours"][0]["score"]["figures"]["faster"] == 4.0
    assert written["rivals"][0]["score"]["loss"]["upper"] == 0.003
    assert written["goals"][0] == {"reached": True, "why": "pruned50-int8"}
