from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from aimass.compression.measure import Cost, Feed
from aimass.compression.plan import Wish
from aimass.compression.report.__main__ import main
from aimass.compression.report.documents import documents_in
from aimass.compression.result import read
from aimass.compression.steps import evaluate
from aimass.compression.steps.run import run
from tests.unit.compression.folders import changing, folder_of, keep, refusing, spoil


@pytest.fixture(autouse=True)
def _twice_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of models this small are noise, and take seconds."""

    def beside(original: Path, candidate: Path, feeds: Sequence[Feed]) -> tuple[Cost, Cost]:
        return Cost(1, 2, 2, 2, 10, None), Cost(1, 1, 1, 1, 10, None)

    monkeypatch.setattr(evaluate, "beside", beside)


def test_what_the_steps_leave_becomes_a_report_and_a_page(tmp_path: Path) -> None:
    folder, asked = folder_of(tmp_path, wish=Wish("size"))
    passes = [
        changing(keep, "tidy", stage="clean", methods=()),
        changing(spoil, "bad"),
        refusing("odd", ValueError("an odd graph")),
    ]
    run(folder, asked, passes={one.name: one for one in passes})
    main([str(tmp_path), "--model", "small <model>"])
    report = read(tmp_path / "report.json")
    assert report
    told = {one["name"]: one for one in report["candidates"]}
    assert {"tidy", "bad", "bad-mixed", "odd"} <= told.keys()
    assert report["verdict"]["chosen"] == "bad-mixed"
    assert told["bad-mixed"]["repair"]["spared"] == ["w1"]
    assert "an odd graph" in told["odd"]["reason"]
    page = (tmp_path / "report.html").read_text()
    assert "bad-mixed keeps the promise" in page
    assert "small &lt;model&gt;" in page
    assert report["machine"]["processor"]


def test_there_is_no_report_before_something_was_chosen(tmp_path: Path) -> None:
    folder, _ = folder_of(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"asked\.json"):
        documents_in(folder)
