from aimass.inference.statistics import Done, Duration, Statistics


def test_a_version_that_was_not_called_counts_nothing():
    found = Statistics().of("acme", "m", 1)
    assert (found.inferences, found.success, found.fail, found.last_ms) == (0, Duration(), Duration(), 0)


def test_calls_rows_runs_and_times_are_counted_apart():
    counts = Statistics()
    counts.succeeded("acme", "m", 1, Done(rows=7, runs=2, total=0.5, load=0.1, run=0.3))
    counts.succeeded("acme", "m", 1, Done(rows=1, runs=1, total=0.25, load=0.0, run=0.25))
    counts.failed("acme", "m", 1, 0.125)
    found = counts.of("acme", "m", 1)
    assert (found.inferences, found.executions) == (8, 3)
    assert found.success == Duration(2, 750_000_000)
    assert found.fail == Duration(1, 125_000_000)
    assert (found.load, found.run) == (Duration(2, 100_000_000), Duration(2, 550_000_000))
    assert found.last_ms > 0


def test_tenants_and_versions_do_not_mix():
    counts = Statistics()
    counts.failed("acme", "m", 1, 1)
    assert counts.of("other", "m", 1).fail.count == counts.of("acme", "m", 2).fail.count == 0


def test_only_the_versions_used_last_are_remembered():
    counts = Statistics()
    for number in range(1001):
        counts.failed("acme", "m", number, 1)
    assert (counts.of("acme", "m", 0).fail.count, counts.of("acme", "m", 1).fail.count) == (0, 1)
