from benchmarks.predict.loads import LOADS
from benchmarks.predict.measures import Cell, Measure, Measures
from benchmarks.predict.report import summary, tables

TINY = LOADS[0]


def measure(speed, p99=10.0):
    return Measure(calls_per_second=speed, p50_ms=1.0, p99_ms=p99, cpu_ms=0.25, mib=99.6)


def at(server, callers, speed, p99=10.0):
    return {Cell("tiny", server, callers): measure(speed, p99)}


def test_a_table_holds_one_row_a_server_the_quickest_first_with_ours_over_theirs():
    outcomes = at("AI Mass", 16, 1500) | at("kserve, 1 worker", 16, 1000) | at("starlette, 2 workers", 16, 3000)
    lines = list(tables([TINY], outcomes, (16,)))
    assert lines[-3:] == [
        "| starlette, 2 workers | 3,000 | 0.50 | 1.00 | 10.00 | 0.25 | 100 |",
        "| AI Mass | 1,500 | 1.00 | 1.00 | 10.00 | 0.25 | 100 |",
        "| kserve, 1 worker | 1,000 | 1.50 | 1.00 | 10.00 | 0.25 | 100 |",
    ]


def test_callers_are_kept_apart():
    outcomes = at("AI Mass", 1, 500) | at("AI Mass", 64, 900)
    lines = list(tables([TINY], outcomes, (1, 64)))
    assert [line for line in lines if line.startswith(("###", "| AI"))] == [
        "### 1 caller",
        "| AI Mass | 500 | 1.00 | 1.00 | 10.00 | 0.25 | 100 |",
        "### 64 callers",
        "| AI Mass | 900 | 1.00 | 1.00 | 10.00 | 0.25 | 100 |",
    ]


def test_what_was_not_measured_is_named_with_its_reason():
    outcomes = {Cell("tiny", "mlserver, 1 worker", 0): "takes no binary tensors over HTTP"}
    assert "Not measured: mlserver, 1 worker: takes no binary tensors over HTTP." in tables([TINY], outcomes, (1,))


def test_the_runtime_alone_stands_above_the_tables_and_is_no_server():
    outcomes = {Cell("tiny", "onnxruntime, 1 thread", 0): measure(10_000)} | at("AI Mass", 1, 500)
    lines = list(tables([TINY], outcomes, (1,)))
    assert "onnxruntime alone, one call after another: 1 thread 10,000 calls/s at 0.25 ms of CPU." in lines
    assert len([line for line in lines if line.startswith("| ")]) == 3


def test_the_summary_puts_the_worst_ratio_first_and_takes_the_best_of_theirs():
    outcomes = (
        at("AI Mass", 1, 500, p99=4)
        | at("kserve, 1 worker", 1, 1000, p99=2)
        | at("mlserver, 1 worker", 1, 400)
        | at("AI Mass", 16, 2000)
        | at("kserve, 1 worker", 16, 1000)
    )
    lines = list(summary([TINY], outcomes, (16, 1)))
    assert lines[1] == "## Against the servers that one installs: ahead in 1 of 2"
    assert lines[-2:] == [
        "| tiny | 1 | kserve, 1 worker | 1,000 | 500 | 0.50 |  |  | 2.00 |  |",
        "| tiny | 16 | kserve, 1 worker | 1,000 | 2,000 | 2.00 |  |  | 1.00 |  |",
    ]


def test_batching_counts_as_ours_where_it_is_quicker_and_starlette_stands_apart():
    outcomes = (
        at("AI Mass", 64, 900) | at("AI Mass, batching", 64, 2000, p99=5) | at("starlette, 1 worker", 64, 1600, p99=10)
    )
    lines = list(summary([TINY], outcomes, (64,)))
    assert [line for line in lines if line.startswith("##")] == [
        "## Against bare Starlette, written by hand: ahead in 1 of 1"
    ]
    assert lines[-1] == "| tiny | 64 | starlette, 1 worker | 1,600 | 900 | 0.56 | 2,000 | 1.25 | 1.00 | 0.50 |"


def test_an_interrupted_run_finds_its_measures_again_and_tries_failures_anew(tmp_path):
    measures = Measures(tmp_path / "measured.jsonl")
    measures.note(Cell("tiny", "AI Mass", 1), measure(500))
    measures.note(Cell("tiny", "kserve, 1 worker", 0), "it ended")
    assert Measures(tmp_path / "measured.jsonl").outcomes == at("AI Mass", 1, 500)
    measures.forget()
    assert Measures(tmp_path / "measured.jsonl").outcomes == {}
