import json

import pytest

from aimass.domain.errors import ArtifactBusy, Busy, Conflict, InternalError, ModelTimeout
from aimass.domain.files import StoredFile
from aimass.domain.jobs import Failure
from aimass.protocols.states import StepBusy, StepRefused, failure_of, failure_of_execution, run_step

EVENT = {"tenant": "t", "job_id": "j", "attempt": 3}


class Registry:
    def __init__(self):
        self.entered = []
        self.lines = []

    def enter_step(self, tenant, job_id, attempt, step):
        self.entered.append((tenant, job_id, attempt, step))

    def log(self, tenant, job_id, attempt, step, message):
        self.lines.append((tenant, job_id, attempt, step, message))


def test_a_step_is_noted_before_its_work_and_answers_in_plain_values():
    registry = Registry()
    seen = []
    answer = run_step(
        registry, "verify", EVENT, lambda *names: seen.append(list(registry.entered)) or StoredFile("a", "b", 1)
    )
    assert answer == {"path": "a", "sha256": "b", "size": 1, "memory": 0, "packed": None}
    assert seen == [[("t", "j", 3, "verify")]]


def refused():
    def work(tenant, job_id):
        raise ModelTimeout("did not return within 20 s", seconds=20)

    with pytest.raises(StepRefused) as caught:
        run_step(Registry(), "verify", EVENT, work)
    return str(caught.value)


def test_what_a_step_refuses_reaches_the_failure_whole():
    cause = json.dumps({"errorType": "StepRefused", "errorMessage": refused(), "stackTrace": []})
    failure = failure_of({"Error": "StepRefused", "Cause": cause}, "identify")
    assert failure == Failure("verify", "model_timeout", "did not return within 20 s", {"seconds": 20})


def test_a_refusal_is_cut_to_what_a_state_may_carry():
    def work(tenant, job_id):
        raise ModelTimeout("x" * 300_000, names=["y" * 300_000])

    with pytest.raises(StepRefused) as caught:
        run_step(Registry(), "verify", EVENT, work)
    assert len(str(caught.value)) < 3000


@pytest.mark.parametrize("error", [ArtifactBusy("being swept"), Busy("other changes", retry_after=1)])
def test_what_passes_is_no_refusal_and_says_so_in_the_log(error):
    registry = Registry()

    def work(tenant, job_id):
        raise error

    with pytest.raises(StepBusy, match=error.message):
        run_step(registry, "register", EVENT, work)
    assert registry.lines[-1][4] == f"did not finish: {error.message}"


def test_a_step_that_cannot_even_be_noted_for_now_is_busy_too():
    class Held(Registry):
        def enter_step(self, *names):
            raise Busy("other changes")

    with pytest.raises(StepBusy):
        run_step(Held(), "verify", EVENT, lambda *names: pytest.fail("worked"))


def test_an_import_that_found_no_capacity_says_so_and_what_to_do():
    failure = failure_of({"Error": "Lambda.TooManyRequestsException", "Cause": "Rate Exceeded."}, "verify")
    assert failure.message.startswith("all that can run this step was busy; retry the job")


def test_a_fault_of_the_sandbox_is_logged_with_its_notes_and_not_taken_for_a_refusal(caplog):
    def work(tenant, job_id):
        error = InternalError("the sandbox failed")
        error.add_note("the child's last words")
        raise error

    with pytest.raises(InternalError):
        run_step(Registry(), "verify", EVENT, work)
    assert "the child's last words" in caplog.text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("States.Timeout", "step_timeout"),
        ("Sandbox.Timedout", "step_timeout"),
        ("Runtime.ExitError", "step_crashed"),
        ("Lambda.Unknown", "step_crashed"),
        ("States.ServiceRestart", "interrupted"),
        (StepBusy.__name__, "busy"),
        ("Lambda.TooManyRequestsException", "capacity_exhausted"),
        ("KeyError", "internal_error"),
    ],
)
def test_what_nobody_foresaw_names_the_step_and_leaks_no_trace(error, code):
    failure = failure_of({"Error": error, "Cause": "Traceback: secret"}, "convert")
    assert (failure.step, failure.code) == ("convert", code)
    assert "secret" not in str(failure)


def test_a_fault_of_ours_goes_on_as_it_is():
    def work(tenant, job_id):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_step(Registry(), "verify", EVENT, work)


def test_a_step_logs_its_start_with_the_attempt_and_its_end():
    registry = Registry()
    run_step(registry, "verify", EVENT, lambda tenant, job_id: None)
    started, finished = registry.lines
    assert started == ("t", "j", 3, "verify", "started, attempt 3")
    assert finished[:4] == ("t", "j", 3, "verify")
    assert finished[4].startswith("finished after ")


def test_a_step_that_is_refused_logs_no_end():
    registry = Registry()

    def work(tenant, job_id):
        raise ModelTimeout("did not return")

    with pytest.raises(StepRefused):
        run_step(registry, "verify", EVENT | {"attempt": 1}, work)
    assert [line[4] for line in registry.lines] == ["started"]


def test_a_log_that_cannot_be_written_stops_no_step(caplog):
    class Mute(Registry):
        def log(self, *line):
            raise ConnectionError("the table is away")

    assert run_step(Mute(), "verify", EVENT, lambda tenant, job_id: "done") == "done"
    assert "the table is away" in caplog.text


def test_a_cancelled_job_is_refused_before_any_work():
    class Cancelled(Registry):
        def enter_step(self, *names):
            raise Conflict("attempt 3 of job j is not running")

    with pytest.raises(StepRefused, match="not running"):
        run_step(Cancelled(), "verify", EVENT, lambda *names: pytest.fail("worked"))


@pytest.mark.parametrize("cause", ["", "no JSON", "{}", '{"errorMessage": "cut of', '{"errorMessage": "[]"}'])
def test_a_refusal_whose_cause_was_cut_is_a_fault_without_a_trace(cause):
    failure = failure_of({"Error": "StepRefused", "Cause": cause}, "verify")
    assert (failure.step, failure.code) == ("verify", "internal_error")


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        ({"status": "ABORTED"}, "interrupted"),
        ({"status": "TIMED_OUT"}, "step_timeout"),
        ({"status": "FAILED"}, "internal_error"),
        ({"status": "FAILED", "error": None, "cause": None}, "internal_error"),
        ({"status": "FAILED", "error": "States.ServiceRestart", "cause": "restarted"}, "interrupted"),
        ({"status": "FAILED", "error": "Lambda.Unknown", "cause": "exited"}, "step_crashed"),
        ({"status": "FAILED", "error": "States.TaskFailed", "cause": "a job's container"}, "step_crashed"),
    ],
)
def test_an_execution_that_ended_badly_says_what_is_known(detail, code):
    failure = failure_of_execution(detail, "verify")
    assert (failure.step, failure.code) == ("verify", code)
    assert "retry the job" in failure.message


def test_an_execution_that_failed_of_a_refusal_keeps_its_reason():
    cause = json.dumps({"errorMessage": refused()})
    failure = failure_of_execution({"status": "FAILED", "error": "StepRefused", "cause": cause}, "register")
    assert failure == Failure("verify", "model_timeout", "did not return within 20 s", {"seconds": 20})
