import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import pytest

from infra.settings import STAGES
from local.batch import DEFINITIONS, SECONDS, Batch, Definition, JobFailed, JobLate, keep_definitions

NAME = "aimass-dev-jobs-convert-trees"


def python(_image):
    return Path(sys.executable)


@pytest.fixture
def jobs(tmp_path):
    """Of a command, what runs it; its output is in `logs/convert-trees.log`."""
    (tmp_path / "logs").mkdir(exist_ok=True)

    def make(program, *, seconds=60, attempts=1, again=(1,), environment=None, at_once=1, waits=None):
        command = ["python", "-c", textwrap.dedent(program)]
        definition = {"name": NAME, "command": command, "environment": environment or {}}
        definition |= {"seconds": seconds, "attempts": attempts, "again": again}
        (tmp_path / DEFINITIONS).write_text(json.dumps([definition]))
        return Batch(tmp_path, at_once, python, waits)

    return make


def log(tmp_path):
    return (tmp_path / "logs/convert-trees.log").read_text()


def ends(pid):
    """Whether the process ends, in the time that a machine under load may take."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def wait_for(path):
    while not (path.exists() and path.read_text()):
        time.sleep(0.01)
    return int(path.read_text())


def started(batch, name):
    """The thread in which a job runs that fails, and the failures to be."""
    failures = []

    def run():
        try:
            batch.run(name, NAME, {}, "tenant")
        except JobFailed as failed:
            failures.append(failed)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, failures


def test_a_job_has_its_definitions_environment_and_its_own_and_nothing_of_ours(jobs, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ours")
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    jobs(program, environment={"OF": "definition"}).run("job", NAME, {"ORDER_URL": "http://order"}, "tenant")
    seen = json.loads(log(tmp_path))
    assert (seen["OF"], seen["ORDER_URL"]) == ("definition", "http://order")
    own = {"HOME", "LANG", "ORT_DISABLE_TELEMETRY", "PATH", "SCRATCH", "TMPDIR"}
    assert {name for name in seen if not name.startswith(("PYTHON", "LC_"))} == own | {"OF", "ORDER_URL"}


def test_a_job_runs_in_a_folder_of_its_own_which_goes_with_it(jobs, tmp_path):
    jobs("import os; open('left', 'w'); print(os.getcwd(), os.environ['SCRATCH'])").run("job", NAME, {}, "tenant")
    folder, scratch = log(tmp_path).split()
    assert folder == scratch
    assert not Path(folder).exists()


def test_a_job_finds_the_package_and_the_jobs(jobs, tmp_path):
    jobs("import aimass, jobs; print('found')").run("job", NAME, {}, "tenant")
    assert log(tmp_path) == "found\n"


@pytest.mark.parametrize(("status", "tries"), [(1, 3), (2, 1)])
def test_what_is_worth_another_try_is_tried_again(jobs, tmp_path, status, tries):
    batch = jobs(f"import sys; print('tried'); sys.exit({status})", attempts=3)
    with pytest.raises(JobFailed, match=f"status {status}"):
        batch.run("job", NAME, {}, "tenant")
    assert log(tmp_path).split() == ["tried"] * tries


def test_a_job_that_takes_too_long_is_killed_and_not_tried_again(jobs, tmp_path):
    batch = jobs("import time; print('tried', flush=True); time.sleep(600)", seconds=1, attempts=3)
    with pytest.raises(JobFailed, match="timeout of 1 s"):
        batch.run("job", NAME, {}, "tenant")
    assert log(tmp_path).split() == ["tried"]


def test_a_job_and_what_it_started_end_when_it_is_stopped(jobs, tmp_path):
    program = f"""
        import pathlib, subprocess, sys, time
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
        pathlib.Path({str(tmp_path / "child")!r}).write_text(str(child.pid))
        time.sleep(600)
    """
    batch = jobs(program, attempts=3)
    thread, failures = started(batch, "job")
    child = wait_for(tmp_path / "child")
    batch.stop("another")
    os.kill(child, 0)
    batch.stop("job")
    thread.join()
    assert failures
    assert ends(child)


def test_a_job_that_waits_for_its_place_can_be_stopped(jobs, tmp_path):
    batch = jobs(f"import time; open({str(tmp_path / 'first')!r}, 'w').write('1'); time.sleep(600)")
    first, _ = started(batch, "first")
    wait_for(tmp_path / "first")
    second, failures = started(batch, "second")
    while "second" not in batch._jobs:
        time.sleep(0.01)
    batch.stop("second")
    second.join()
    assert len(failures) == 1
    batch.stop("first")
    first.join()


def test_a_job_whose_execution_was_stopped_before_it_was_submitted_does_not_run(jobs, tmp_path):
    batch = jobs("print('ran')")
    batch.stop("job")
    with pytest.raises(JobFailed, match="stopped"):
        batch.run("job", NAME, {}, "tenant")
    assert log(tmp_path) == ""
    batch.run("another", NAME, {}, "tenant")
    assert log(tmp_path) == "ran\n"


def test_names_of_stopped_executions_are_remembered_within_bounds(jobs):
    batch = jobs("")
    for number in range(3000):
        batch.stop(f"job {number}")
    assert len(batch._stopped) == 1000


def test_a_job_ends_when_its_submitter_waits_no_longer(jobs):
    batch = jobs("import time; time.sleep(600)", attempts=3, waits=1)
    with pytest.raises(JobLate, match="within 1 s"):
        batch.run("job", NAME, {}, "tenant")


def test_waiting_for_a_place_counts(jobs, tmp_path):
    batch = jobs(f"import time; open({str(tmp_path / 'first')!r}, 'w').write('1'); time.sleep(600)", waits=3)
    first, failures = started(batch, "first")
    wait_for(tmp_path / "first")
    batch._seconds = 0
    with pytest.raises(JobLate):
        batch.run("second", NAME, {}, "tenant")
    first.join()
    assert isinstance(failures[0], JobLate)


def test_a_submission_waits_as_long_as_the_deployed_state():
    for stage in STAGES.values():
        assert {"convert": stage.conversions.waited_seconds, "compress": stage.compressions.waited_seconds} == SECONDS


@pytest.mark.parametrize(("image", "wait"), [("convert-trees", 9000), ("compress", 18_000)])
def test_what_takes_longer_is_waited_for_longer(image, wait):
    assert Definition(f"aimass-dev-jobs-{image}", (), {}, 1, 1, ()).waits == wait


def test_what_a_job_nested_deeply_goes_with_it(jobs, tmp_path):
    jobs("import os\nprint(os.getcwd())\nfor _ in range(1500): os.mkdir('d'); os.chdir('d')").run(
        "job", NAME, {}, "tenant"
    )
    assert not Path(log(tmp_path).strip()).exists()


def test_a_job_dies_with_the_process_that_runs_it(jobs, tmp_path):
    jobs(f"""
        import os, pathlib, time
        pathlib.Path({str(tmp_path / "job")!r}).write_text(str(os.getpid()))
        time.sleep(600)
    """)
    program = f"""
        import sys
        from pathlib import Path
        from local.batch import Batch
        Batch(Path({str(tmp_path)!r}), 1, lambda _: Path(sys.executable)).run("job", {NAME!r}, {{}}, "tenant")
    """
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # a killed process leaves the job's folder
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], env=environment)
    job = wait_for(tmp_path / "job")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert ends(job)


def test_what_a_killed_process_left_is_removed_by_the_next(jobs, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    prefix = jobs("")._prefix
    (tmp_path / f"{prefix}x").mkdir()
    (tmp_path / "another").mkdir()
    jobs("")
    assert not (tmp_path / f"{prefix}x").exists()
    assert (tmp_path / "another").exists()


def test_a_definition_that_is_not_deployed_is_said_so(jobs):
    with pytest.raises(JobFailed, match="no job definition other"):
        jobs("").run("job", "other", {}, "tenant")


def test_definitions_are_those_of_the_synthesized_jobs_that_run_here(tmp_path):
    from infra.synth import synthesize_cached

    keep_definitions(synthesize_cached(), tmp_path)
    found = {one["name"]: one for one in json.loads((tmp_path / DEFINITIONS).read_text())}
    images = ("convert-trees", "convert-torch", "convert-tensorflow", "compress")
    assert set(found) == {f"aimass-dev-jobs-{one}" for one in images}
    one = found[NAME]
    assert (one["command"], one["attempts"], one["again"]) == (["python", "-m", "jobs.convert"], 3, [1])
    assert one["seconds"] == 2400
    one = found["aimass-dev-jobs-compress"]
    assert (one["command"], one["attempts"], one["seconds"]) == (["python", "-m", "jobs.compress"], 2, 7200)
