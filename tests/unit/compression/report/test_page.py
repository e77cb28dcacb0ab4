from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from aimass.compression.report.document import report_of
from aimass.compression.report.page import MOST_BYTES, page_of
from tests.unit.compression.report.written import MB, candidate, documents, refused, usual

HOSTILE = "</script><script>alert('x')</script>\"&\u202e\u0000\ud800<!--" + "\u05d0" * 10_000


def body_of(page: str) -> ElementTree.Element:
    """Whatever was not escaped or closed is no XML."""
    assert page.startswith('<!doctype html>\n<html lang="en"><head>')
    return ElementTree.fromstring(page[page.index("<body>") : page.index("</body>") + len("</body>")])


def words(element: ElementTree.Element) -> str:
    return "".join(element.itertext())


def page(given: dict[str, Any]) -> ElementTree.Element:
    return body_of(page_of(report_of(given)))


def test_the_verdict_comes_first() -> None:
    body = page(usual())
    assert words(body.findall("main/*")[1]) == report_of(usual())["verdict"]["sentence"]


def test_the_title_names_the_model() -> None:
    assert "<title>Compression report: resnet</title>" in page_of(report_of(usual(model={"name": "resnet"})))


def test_it_needs_no_script_and_nothing_from_elsewhere() -> None:
    text = page_of(report_of(usual()))
    assert not re.search(r"<script|<link|<img|<iframe|\bsrc=|\bhref=|url\(|@import|\bon\w+=", text)
    assert "default-src 'none'" in text.replace("&#x27;", "'")


def test_every_table_has_a_caption_and_heads_that_say_what_they_head() -> None:
    tables = page(usual()).findall(".//table")
    assert len(tables) >= 4
    for table in tables:
        assert table.findtext("caption")
        assert all(head.get("scope") == "col" for head in table.findall("thead/tr/th"))
        assert all(row[0].tag == "th" and row[0].get("scope") == "row" for row in table.findall("tbody/tr"))
        assert len({len(row) for row in table.iter("tr")}) == 1


def test_every_picture_has_words_for_those_who_do_not_see_it() -> None:
    for picture in page(usual()).iter("svg"):
        assert picture.get("aria-hidden") == "true" or (picture.get("role") == "img" and picture.findtext("title"))


def test_headings_go_down_one_level_at_a_time() -> None:
    levels = [int(one.tag[1]) for one in page(usual()).iter() if re.fullmatch(r"h[1-6]", one.tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_each_candidate_is_there_with_its_verdict_and_reason() -> None:
    told = words(next(table for table in page(usual()).iter("table") if table.get("class") == "all"))
    for name in ("small", "safe", "other", "broken", "pruned"):
        assert name in told
    assert "rejected: because of pruned" in told
    assert "There is nothing for it." in words(page(usual()))


def test_the_budget_is_a_line_in_each_picture() -> None:
    pictures = [one for one in page(usual()).iter("svg") if one.get("role") == "img"]
    assert len(pictures) == 3
    assert all(any(line.get("class") == "budget" for line in one.iter("line")) for one in pictures)


def test_names_of_strangers_are_text() -> None:
    found = {HOSTILE: candidate(HOSTILE, layers=[HOSTILE], options={HOSTILE: HOSTILE}), "b": refused("b", HOSTILE)}
    given = documents(found, {HOSTILE: "chosen", "b": "rejected"}, left_out={HOSTILE: HOSTILE})
    given |= {"model": {"name": HOSTILE, "version": HOSTILE}, "machine": {"processor": HOSTILE, "threads": 1}}
    given["planned"]["profile"]["nodes"] = {HOSTILE: 3}
    text = page_of(report_of(given))
    text.encode()
    assert not re.search(r"<script|\u202e|\x00", text)
    assert len(text) < 100_000
    assert "alert('x')" in words(body_of(text))


def test_a_page_of_the_longest_names_keeps_its_bound() -> None:
    long = '"' * 500
    names = [f"{at}{long}" for at in range(60)]
    layers = [f"{at}{long}" for at in range(3000)]
    found = {name: candidate(name, layers=layers, notes=[f"{layer}: {long}" for layer in layers]) for name in names}
    given = documents(found, {name: "passed" if at else "chosen" for at, name in enumerate(names)})
    text = page_of(report_of(given))
    assert len(text.encode()) <= MOST_BYTES
    body_of(text)


def test_layers_that_do_not_fit_are_counted() -> None:
    found = {"a": candidate("a", layers=[f"layer{at}" for at in range(301)])}
    assert "1 more layers are in the JSON report." in words(page(documents(found, {"a": "chosen"})))


@pytest.mark.parametrize("metric", ["accuracy", "f1", "auc", "r2", "agreement", "divergence"])
def test_every_metric_has_a_page(metric: str) -> None:
    found = {"a": candidate("a", metric=metric), "b": candidate("b", metric=metric, lost=None)}
    body = page(documents(found, {"a": "chosen", "b": "rejected"}, metric=metric))
    assert "keeps the promise" in words(body)
    assert "None" not in words(body)
    assert "nan" not in words(body)


def test_a_model_left_alone_is_shown_beside_what_was_tried() -> None:
    found = {"a": candidate("a", lost=0.2), "b": candidate("b", size=9 * MB)}
    body = page(documents(found, {"a": "rejected", "b": "rejected"}))
    assert words(body.findall("main/*")[1]).startswith("The original is best left alone")
    assert "The original and candidates that were measured" in words(body)


def test_a_model_that_nothing_was_tried_for_has_a_page() -> None:
    body = page(documents({}, {}, reason="The model is left as it is: it is quantized already."))
    assert "it is quantized already" in words(body)
    assert not [one for one in body.iter("svg") if one.get("role") == "img"]


def test_a_target_that_is_not_at_hand_has_no_speed() -> None:
    body = page(documents({"a": candidate("a", faster=None)}, {"a": "chosen"}))
    assert "Speed is not judged" in words(body)
    assert "Time against loss" not in words(body)


def test_what_is_far_over_the_budget_is_drawn_at_the_edge() -> None:
    found = {"a": candidate("a"), "b": candidate("b", lost=0.7)}
    body = page(documents(found, {"a": "chosen", "b": "rejected"}))
    assert [one for one in body.iter("path") if one.get("class") == "beyond"]


def test_made_up_rows_and_missing_labels_are_said() -> None:
    given = usual()
    given["asked"]["ask"] |= {"made_up": True, "labels": False}
    told = words(page(given))
    assert "The rows were made up" in told
    assert "There were no labels" in told


def test_the_same_report_gives_the_same_page() -> None:
    assert page_of(report_of(usual())) == page_of(report_of(usual()))
