import json

import pytest

from aimass.domain.errors import InternalError, ModelTimeout
from aimass.domain.model import Failure, StoredFile
from aimass.protocols.states import StepRefused, failure_of, run_step

EVENT = {"tenant": "t", "job_id": "j", "attempt": 3}


class Registry:
    def __init__(self):
        self.entered = []

    def enter_step(self, tenant, job_id, attempt, step):
        self.entered.append((tenant, job_id, attempt, step))


def test_a_step_is_noted_before_its_work_and_answers_in_plain_values():
    registry = Registry()
    seen = []
    answer = run_step(
        registry, "verify", EVENT, lambda *names: seen.append(list(registry.entered)) or StoredFile("a", "b", 1)
    )
    assert answer == {"path": "a", "sha256": "b", "size": 1}
    assert seen == [[("t", "j", 3, "verify")]]


def refused():
    def work(tenant, job_id):
        raise ModelTimeout("did not return within 20 s", seconds=20)

    with pytest.raises(StepRefused) as caught:
        run_step(Registry(), "verify", EVENT, work)
    return str(caught.value)


def test_what_a_step_refuses_reaches_the_failure_whole():
    cause = json.dumps({"errorType": "StepRefused", "errorMessage": refused(), "stackTrace": []})
    failure = failure_of(EVENT | {"error": {"Error": "StepRefused", "Cause": cause}}, "identify")
    assert failure == Failure("verify", "model_timeout", "did not return within 20 s", {"seconds": 20})


def test_a_refusal_is_cut_to_what_a_state_may_carry():
    def work(tenant, job_id):
        raise ModelTimeout("x" * 300_000, names=["y" * 300_000])

    with pytest.raises(StepRefused) as caught:
        run_step(Registry(), "verify", EVENT, work)
    assert len(str(caught.value)) < 3000


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
        ("KeyError", "internal_error"),
    ],
)
def test_what_nobody_foresaw_names_the_step_and_leaks_no_trace(error, code):
    failure = failure_of(EVENT | {"error": {"Error": error, "Cause": "Traceback: secret"}}, "convert")
    assert (failure.step, failure.code) == ("convert", code)
    assert "secret" not in str(failure)


def test_a_fault_of_ours_goes_on_as_it_is():
    def work(tenant, job_id):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_step(Registry(), "verify", EVENT, work)
