from typing import get_args, get_type_hints

from aimass.domain.jobs import Job
from local.durable.journal import Journal
from local.interrupted import running_jobs


def job(name, state, kind="import"):
    fields = {"PK": "T#acme", "SK": f"JOB#{name}", "model": "m", "state": state, "kind": kind}
    return {key: {"S": value} for key, value in fields.items()} | {"version": {"N": "3"}, "attempt": {"N": "2"}}


def test_every_job_that_counts_as_running_was_cut_off(tmp_path):
    journal = Journal(tmp_path / "journal.db")
    items = {("item", "table", "T#acme", f"JOB#{state}"): job(state, state) for state in ("running", "failed")}
    journal.write({**items, ("item", "table", "T#acme", "VER#m#000001"): {"state": {"S": "running"}}})
    journal.wait()
    ((fail_state, told),) = running_jobs(tmp_path / "journal.db")
    assert (fail_state, told) == (
        "fail_import",
        {
            "tenant": "acme",
            "model": "m",
            "version": 3,
            "job_id": "running",
            "attempt": 2,
            "error": {"Error": "States.ServiceRestart", "Cause": ""},
        },
    )


def test_a_compression_is_ended_by_its_own_machines_state(tmp_path):
    journal = Journal(tmp_path / "journal.db")
    kinds = get_args(get_type_hints(Job)["kind"])
    journal.write({("item", "table", "T#acme", f"JOB#{kind}"): job(kind, "running", kind) for kind in kinds})
    journal.wait()
    ended = {told["job_id"]: state for state, told in running_jobs(tmp_path / "journal.db")}
    assert ended == dict.fromkeys(kinds, "fail_import") | {"compression": "fail_compression"}
