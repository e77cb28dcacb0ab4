from __future__ import annotations

import pytest

STEPS = ("identify", "convert", "verify", "register")
RESULTS = {"identify": "$.identified", "convert": "$.converted", "verify": "$.verified", "register": "$.registered"}


def test_the_steps_follow_each_other_from_identify_to_register(dev):
    machine = dev.state_machine()
    walked = [machine["StartAt"]]
    while following := machine["States"][walked[-1]].get("Next"):
        walked.append(following)
    assert tuple(walked) == STEPS
    assert machine["States"]["register"]["End"] is True
    assert set(machine["States"]) == {*STEPS, "fail_import", "import_failed"}


@pytest.mark.parametrize("name", [*STEPS, "fail_import"])
def test_a_state_calls_the_function_of_its_name(dev, name):
    state = dev.state_machine()["States"][name]
    assert state["Type"] == "Task"
    assert state["Resource"] == f"{name.replace('_', '')}function.Arn"


@pytest.mark.parametrize("name", STEPS)
def test_a_step_adds_its_result_and_keeps_what_came_before(dev, name):
    assert dev.state_machine()["States"][name]["ResultPath"] == RESULTS[name]


@pytest.mark.parametrize("name", STEPS)
def test_any_error_of_a_step_goes_to_fail_import_with_its_cause(dev, name):
    catch = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "fail_import"}
    assert dev.state_machine()["States"][name]["Catch"] == [catch]


def test_a_failed_import_ends_in_a_failed_execution_with_the_steps_own_error(dev):
    states = dev.state_machine()["States"]
    assert states["fail_import"]["Next"] == "import_failed"
    assert states["fail_import"]["ResultPath"] is None
    assert states["import_failed"] == {
        "Type": "Fail",
        "ErrorPath": "$.error.Error",
        "CausePath": "$.error.Cause",
    }


@pytest.mark.parametrize("name", [*STEPS, "fail_import"])
def test_a_state_waits_longer_than_its_function_may_run(dev, name):
    assert dev.state_machine()["States"][name]["TimeoutSeconds"] == dev.functions()[name]["Timeout"] + 10


def test_an_import_ends_within_an_hour_and_the_steps_fit_into_it(dev):
    machine = dev.state_machine()
    assert machine["TimeoutSeconds"] == 3600
    assert sum(state.get("TimeoutSeconds", 0) for state in machine["States"].values()) < 3600


def test_writing_a_failure_down_is_tried_again_whatever_went_wrong(dev):
    (retry,) = dev.state_machine()["States"]["fail_import"]["Retry"]
    assert retry["ErrorEquals"] == ["States.TaskFailed"]
    assert retry["MaxAttempts"] == 4


@pytest.mark.parametrize("name", STEPS)
def test_only_faults_of_the_service_are_retried_with_backoff_and_jitter(dev, name):
    (retry,) = dev.state_machine()["States"][name]["Retry"]
    assert retry == {
        "ErrorEquals": [
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.TooManyRequestsException",
        ],
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxAttempts": 4,
        "MaxDelaySeconds": 30,
        "JitterStrategy": "FULL",
    }


def test_executions_are_kept_with_their_history(dev):
    properties = dev.properties("AWS::StepFunctions::StateMachine", "importmachine")
    assert properties["StateMachineType"] == "STANDARD"
    assert properties["StateMachineName"] == "aimass-dev-import"


def test_the_machine_may_invoke_its_own_functions_and_nothing_else(dev):
    functions = [f"{name.replace('_', '')}function.Arn" for name in (*STEPS, "fail_import")]
    versions = [f"{function}:*" for function in functions]
    expected = {("lambda:InvokeFunction", resource) for resource in (*functions, *versions)}
    assert dev.rights("importmachineRole") == expected


def test_only_objects_created_under_uploads_start_an_import(dev):
    properties = dev.properties("AWS::Events::Rule", "uploaded")
    assert properties["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["uploadsbucket"]}, "object": {"key": [{"prefix": "uploads/"}]}},
    }
    assert [target["Arn"] for target in properties["Targets"]] == ["startimportfunction.Arn"]
    assert properties["State"] == "ENABLED"
