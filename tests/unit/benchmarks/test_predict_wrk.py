from pathlib import Path

import pytest

from benchmarks.predict.wrk import Answered, CallsFailed, NoWrk, find_wrk, parse, script_text

SAID = """Running 3s test @ http://127.0.0.1:9320/predict
  1 threads and 16 connections
Requests/sec:   4021.50

MEASURED {"calls": 12064, "micros": 3001234, "p50": 3720, "p99": 9120, "failed": 0, "broken": 0}
"""


def test_calls_and_latencies_are_read_from_the_scripts_line():
    assert parse(SAID) == Answered(calls=12064, seconds=3.001234, p50_ms=3.72, p99_ms=9.12)


def test_a_body_that_looks_like_the_line_does_not_shadow_it():
    assert parse('MEASURED {"calls": 1, "failed": 9}\n' + SAID).calls == 12064


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (SAID.replace('"failed": 0', '"failed": 3'), "3 calls refused, 0 broken, of 12064"),
        (SAID.replace('"broken": 0', '"broken": 2'), "0 calls refused, 2 broken, of 12064"),
        (SAID.replace('"calls": 12064', '"calls": 0'), "no call was answered in time"),
        ("unable to connect", "unable to connect"),
    ],
)
def test_a_cell_with_any_failed_call_or_none_at_all_is_refused(said, message):
    with pytest.raises(CallsFailed, match=message):
        parse(said)


def test_the_script_quotes_the_bodys_path_and_every_header():
    script = script_text(Path('/tmp/a "b"/body'), {"Content-Type": "application/json", "X-Length": "12"})
    assert 'io.open("/tmp/a \\"b\\"/body", "rb")' in script
    assert 'wrk.headers["Content-Type"] = "application/json"\nwrk.headers["X-Length"] = "12"' in script


def test_without_wrk_the_way_to_get_it_is_said(monkeypatch):
    monkeypatch.delenv("WRK", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoWrk, match="apt install wrk"):
        find_wrk()
