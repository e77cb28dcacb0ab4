from __future__ import annotations

import json
from pathlib import Path

from aimass.compression.report.document import VERSION, report_of
from aimass.compression.report.page import page_of
from aimass.compression.result import read, write
from tests.unit.compression.report.written import candidate, documents, loss, usual


def test_candidates_come_by_verdict_and_have_numbers() -> None:
    found = report_of(usual())["candidates"]
    told = [(one["number"], one["name"], one["verdict"]) for one in found]
    assert told == [
        (1, "small", "chosen"),
        (2, "safe", "passed"),
        (3, "other", "not asked"),
        (4, "broken", "rejected"),
        (5, "pruned", "rejected"),
    ]


def test_a_candidate_has_its_sizes_its_speed_and_what_both_parts_of_the_rows_say() -> None:
    one = report_of(usual())["candidates"][0]
    assert (one["smaller"], one["packed_smaller"], one["faster"]) == (8.0, 14.0, 2.5)
    assert one["cost"]["best_ms"] == 0.4
    assert one["original_cost"]["best_ms"] == 1.0
    assert one["choosing"]["metrics"]["accuracy"]["loss"]["rows"] == 2000
    assert one["held_out"]["metrics"]["accuracy"]["loss"]["rows"] == 7000


def test_figures_have_four_digits_and_bounds_are_rounded_to_their_worse_side() -> None:
    given = documents({"a": candidate("a", size=1_234_567, faster=1.23456789)}, {"a": "chosen"})
    held = given["chosen"]["held_out"]["a"]["metrics"]["accuracy"]
    held["loss"] |= {"estimate": 0.00123456, "upper": 0.00400001, "lower": -0.00400001}
    report = report_of(given)
    one = report["candidates"][0]
    assert (one["smaller"], one["packed_smaller"], one["faster"]) == (6.48, 11.34, 1.235)
    assert one["cost"]["best_ms"] == 0.81
    found = one["held_out"]["metrics"]["accuracy"]["loss"]
    assert (found["estimate"], found["upper"], found["lower"]) == (0.001235, 0.004001, -0.004001)
    assert one["stages"][1]["layers"][0]["share"] == 0.5
    assert held["loss"]["upper"] == 0.00400001  # what the steps left is not touched


def test_one_that_could_not_be_made_has_its_reason_and_no_figures() -> None:
    one = report_of(usual())["candidates"][-1]
    assert one["reason"] == "because of pruned"
    assert [one[key] for key in ("size", "smaller", "faster", "cost", "choosing", "held_out")] == [None] * 6
    assert one["stages"] == []


def test_the_confidence_of_finalists_is_shared_and_that_of_the_whole_is_told() -> None:
    assert report_of(usual())["budget"] == {
        "asked": {"accuracy_drop": 0.005},
        "metric": "accuracy",
        "most": 0.005,
        "confidence": 0.95,
        "confidence_each": 0.975,
        "finalists": 2,
    }


def test_the_repair_tells_of_what_it_made_and_why_it_could_not() -> None:
    found = {"a": candidate("a"), "a-mixed": candidate("a-mixed"), "b": candidate("b")}
    told = {"pass": "int8_static", "lost": {"before": 0.02, "after": 0.004, "allowed": 0.005}, "applications": 9}
    found["a"]["repaired"] = {"recipe": {"name": "a-mixed"}, "refused": None, "spared": ["fc"], **told}
    found["b"]["repaired"] = {"recipe": None, "refused": "nothing helped"}
    report = report_of(documents(found, {"a": "rejected", "a-mixed": "chosen", "b": "rejected"}))
    repairs = {one["name"]: one["repair"] for one in report["candidates"]}
    assert repairs == {"a-mixed": {"of": "a", "spared": ["fc"], **told}, "a": None, "b": {"refused": "nothing helped"}}


def test_the_original_has_what_was_measured_beside_the_chosen() -> None:
    original = report_of(usual())["original"]
    assert (original["beside"], original["cost"]["best_ms"]) == ("small", 1.0)
    assert original["metrics"] == {"accuracy": 0.9, "divergence": None}


def test_a_model_that_nothing_was_tried_for_has_a_report() -> None:
    report = report_of(documents({}, {}, reason="The model is left as it is: it is quantized already."))
    assert (report["candidates"], report["original"]["cost"], report["data"]["rows"]["choosing"]) == ([], None, 0)


def test_it_is_json_that_says_its_version_and_where_it_was_measured(tmp_path: Path) -> None:
    given = usual(machine={"processor": "P"}, model={"name": "m" * 10_000, "version": 3})
    given["candidates"]["small"]["evaluated"]["metrics"]["accuracy"]["loss"] = loss(None, None, None, 2000)
    report = report_of(given)
    write(tmp_path / "report.json", report)
    assert read(tmp_path / "report.json") == report
    assert (report["version"], report["machine"]) == (VERSION, {"processor": "P"})
    assert len(report["model"]["name"]) == 300


def test_the_machine_is_the_one_that_evaluated() -> None:
    given = usual()
    given["candidates"]["other"]["evaluated"]["machine"] = {"processor": "Q"}
    assert report_of(given)["machine"] == {"processor": "Q"}


def test_the_same_documents_give_the_same_report() -> None:
    assert json.dumps(report_of(usual())) == json.dumps(report_of(usual()))


def test_what_reading_the_data_noted_is_told() -> None:
    prepared = {"seen": 30_000, "notes": ["of 30000 rows, 20000 are used, drawn at random"]}
    report = report_of(usual(prepared=prepared))
    assert (report["data"]["seen"], report["data"]["notes"]) == (30_000, prepared["notes"])
    assert "Of the data: of 30000 rows, 20000 are used" in page_of(report)


def test_what_was_made_up_promises_nothing() -> None:
    documents = usual()
    assert "keeps the budget with" in page_of(report_of(documents))
    documents["asked"]["ask"]["made_up"] = True
    assert "keeps the budget with" not in page_of(report_of(documents))
