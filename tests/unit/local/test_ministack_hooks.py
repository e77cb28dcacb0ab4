import pytest

from local.batch import JobFailed, JobLate
from local.ministack_hooks import stopping_jobs, submitter, without_large_bodies

PARAMETERS = {
    "JobName": "an-execution",
    "JobQueue": "queue",
    "JobDefinition": "definition",
    "ShareIdentifier": "tenant",
    "ContainerOverrides": {"Environment": [{"Name": "ORDER_URL", "Value": "http://order"}]},
}


class Failed(Exception):
    pass


def test_a_submitted_job_runs_with_what_it_overrides_and_its_end_is_waited_for():
    ran = []
    answer = submitter(lambda *job: ran.append(job), Failed)("resource", PARAMETERS)
    assert ran == [("an-execution", "definition", {"ORDER_URL": "http://order"}, "tenant")]
    assert answer["Status"] == "SUCCEEDED"


def test_a_job_that_fails_is_a_failed_task_with_its_reason():
    def run(*_):
        raise JobFailed("the container ended with status 2")

    with pytest.raises(Failed) as failed:
        submitter(run, Failed)("resource", PARAMETERS)
    assert failed.value.args == ("States.TaskFailed", "the container ended with status 2")


def test_a_job_that_is_waited_for_too_long_is_a_timeout():
    def run(*_):
        raise JobLate("too long")

    with pytest.raises(Failed) as failed:
        submitter(run, Failed)("resource", PARAMETERS)
    assert failed.value.args == ("States.Timeout", "too long")


@pytest.mark.parametrize(("status", "stopped"), [(200, ["an-execution"]), (400, [])])
def test_the_job_of_an_execution_that_was_stopped_is_stopped(status, stopped):
    names = []
    stop = stopping_jobs(lambda _: (status, {}, b"{}"), names.append)
    assert stop({"executionArn": "arn:aws:states:r:a:execution:machine:an-execution"})[0] == status
    assert names == stopped


def test_a_large_file_is_no_query_though_its_sender_calls_it_a_form():
    found = without_large_bodies(lambda path, body, query: {"Action": body.decode(), **query}, at=1)
    assert found("/bucket/key", memoryview(b"Action=x"), {"partNumber": "1"}) == {"Action": "", "partNumber": "1"}
    assert found("/", b"List", {}) == {"Action": "List"}
