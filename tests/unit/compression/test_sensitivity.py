from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimass.compression.contract import Applied, NotApplicable, Options, Pass, Unit, Work
from aimass.compression.sensitivity import Search
from tests.unit.compression.quantizing import words, work


def costing(costs: Mapping[str, float], weights: Mapping[str, float] | None = None) -> Pass:
    """A pass whose result is a text: what all units that it did not spare cost together."""

    def apply(done: Work, options: Options) -> Applied:
        left = [name for name in costs if name not in options.get("spare", ())]
        if not left:
            raise NotApplicable("nothing left")
        done.target.write_text(str(sum(costs[name] for name in left)))
        return Applied([Unit(name, (weights or {}).get(name, 0.1)) for name in left])

    return Pass("costing", "quantize", (), lambda profile, ask: (), apply)


def measure(path: Path) -> float:
    return float(path.read_text())


def test_the_costliest_units_are_spared_and_no_more(tmp_path: Path) -> None:
    costs = {"a": 1.0, "b": 20.0, "c": 2.0, "d": 7.0, "e": 0.5}
    done, told = work(tmp_path, *words()), []
    search = Search(costing(costs), done, {"name": "x"}, progress=lambda at, most, what: told.append((at, most, what)))
    units = search.apply(())[0].units
    ranked = search.rank(units, measure)
    found = search.restore(ranked, measure, 4.0)
    assert [one.units for one in ranked] == [("b",), ("d",), ("c",), ("a",), ("e",)]
    assert found.spared == ("b", "d")
    assert found.measured == measure(done.target) == 3.5
    assert found.options == {"name": "x", "spare": ["b", "d"]}
    assert [at for at, _, _ in told] == list(range(1, found.applications + 1))


def test_of_two_that_cost_the_same_the_lighter_is_spared(tmp_path: Path) -> None:
    pass_ = costing({"heavy": 5.0, "light": 5.0, "none": 0.0}, {"heavy": 0.9, "light": 0.01})
    search = Search(pass_, work(tmp_path, *words()), {})
    found = search.restore(search.rank(search.apply(())[0].units, measure), measure, 5.0)
    assert found.spared == ("light",)


def test_what_was_spared_before_stays_so(tmp_path: Path) -> None:
    search = Search(costing({"a": 9.0, "b": 5.0, "c": 1.0}), work(tmp_path, *words()), {"spare": ["a"]})
    found = search.restore(search.rank(search.apply(())[0].units, measure), measure, 1.0)
    assert found.options["spare"] == ["a", "b"]


def test_many_units_are_ranked_in_groups_though_applications_are_few(tmp_path: Path) -> None:
    costs = {f"u{at:02}": 50.0 if at == 20 else 0.0 for at in range(40)}
    search = Search(costing(costs), work(tmp_path, *words()), {}, most=12)
    units = search.apply(())[0].units
    found = search.restore(search.rank(units, measure), measure, 1.0)
    assert "u20" in found.spared
    assert len(found.spared) <= 10
    assert found.applications <= 12


def test_a_limit_that_only_sparing_all_would_keep_is_refused(tmp_path: Path) -> None:
    search = Search(costing({"a": 9.0, "b": 5.0}), work(tmp_path, *words()), {})
    ranked = search.rank(search.apply(())[0].units, measure)
    with pytest.raises(NotApplicable):
        search.restore(ranked, measure, 0.0)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 100), min_size=2, max_size=90), st.integers(12, 60), st.integers(1, 400))
def test_applications_are_bounded_and_the_limit_is_kept(
    tmp_path: Path, costs: list[int], most: int, limit: int
) -> None:
    named = {f"u{at}": float(cost) for at, cost in enumerate(costs)}
    search = Search(costing(named), work(tmp_path, *words()), {}, most=most)
    ranked = search.rank(search.apply(())[0].units, measure)
    try:
        found = search.restore(ranked, measure, limit)
    except NotApplicable:
        return
    finally:
        assert search.done <= most
    assert found.measured <= limit or len(found.spared) >= len(costs) - len(ranked[-1].units)
