from local.durable.journal import Journal
from local.interrupted import running_jobs


def job(name, state):
    fields = {"PK": "T#acme", "SK": f"JOB#{name}", "model": "m", "state": state}
    return {key: {"S": value} for key, value in fields.items()} | {"version": {"N": "3"}, "attempt": {"N": "2"}}


def test_every_job_that_counts_as_running_was_cut_off(tmp_path):
    journal = Journal(tmp_path / "journal.db")
    items = {("item", "table", "T#acme", f"JOB#{state}"): job(state, state) for state in ("running", "failed")}
    journal.write({**items, ("item", "table", "T#acme", "VER#m#000001"): {"state": {"S": "running"}}})
    journal.wait()
    assert list(running_jobs(tmp_path / "journal.db")) == [
        {
            "tenant": "acme",
            "model": "m",
            "version": 3,
            "job_id": "running",
            "attempt": 2,
            "error": {"Error": "States.ServiceRestart", "Cause": ""},
        }
    ]
