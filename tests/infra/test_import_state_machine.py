from __future__ import annotations

import pytest

STEPS = ("identify", "convert", "verify", "register")
RESULTS = {"identify": "$.identified", "convert": "$.converted", "verify": "$.verified", "register": "$.registered"}

# CloudWatch knows no resource for these.
LOG_DELIVERY = {
    f"logs:{action}"
    for action in (
        *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
        *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
    )
}


def test_the_steps_follow_each_other_from_identify_to_register(dev):
    machine = dev.state_machine()
    walked = [machine["States"]["starts_at"]["Default"]]
    while following := machine["States"][walked[-1]].get("Next"):
        walked.append(following)
    assert tuple(walked) == STEPS
    assert machine["States"]["register"]["End"] is True
    assert set(machine["States"]) == {"starts_at", *STEPS, "fail_import", "import_failed"}


def test_an_execution_that_knows_the_model_starts_at_verify(dev):
    machine = dev.state_machine()
    assert machine["StartAt"] == "starts_at"
    knows = {"Variable": "$.identified", "IsPresent": True, "Next": "verify"}
    assert machine["States"]["starts_at"] == {"Type": "Choice", "Choices": [knows], "Default": "identify"}


@pytest.mark.parametrize("name", [*STEPS, "fail_import"])
def test_a_state_calls_the_function_of_its_name(dev, name):
    state = dev.state_machine()["States"][name]
    assert state["Type"] == "Task"
    assert state["Resource"] == f"{name.replace('_', '')}live"


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


def test_an_import_ends_within_three_hours_and_the_steps_with_their_longest_waits_fit_into_it(dev):
    machine = dev.state_machine()
    steps = sum(state.get("TimeoutSeconds", 0) for state in machine["States"].values())
    waits = sum(longest_wait(machine["States"][name]["Retry"][0]) for name in ("identify", "verify"))
    assert machine["TimeoutSeconds"] == 3 * 3600
    assert steps + waits < 3 * 3600


def longest_wait(retry):
    """Seconds, where chance shortens no wait."""
    waits = (retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"]))
    return sum(min(wait, retry["MaxDelaySeconds"]) for wait in waits)


@pytest.mark.parametrize("name", [*STEPS, "fail_import"])
def test_a_state_that_finds_no_concurrency_waits_for_the_imports_before_it(dev, name):
    first, _ = dev.state_machine()["States"][name]["Retry"]  # the first that names the error decides
    assert first == {
        "ErrorEquals": ["Lambda.TooManyRequestsException"],
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxAttempts": 60,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }


def test_writing_a_failure_down_is_tried_again_whatever_went_wrong(dev):
    _, retry = dev.state_machine()["States"]["fail_import"]["Retry"]
    assert retry["ErrorEquals"] == ["States.TaskFailed"]
    assert retry["MaxAttempts"] == 4


@pytest.mark.parametrize("name", STEPS)
def test_else_only_faults_of_the_service_and_a_busy_step_are_retried_with_backoff_and_jitter(dev, name):
    _, retry = dev.state_machine()["States"][name]["Retry"]
    assert retry == {
        "ErrorEquals": [
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "StepBusy",
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


def test_the_machine_may_invoke_its_own_functions_and_deliver_logs_and_nothing_else(dev):
    invoked = {("lambda:InvokeFunction", f"{name.replace('_', '')}live") for name in (*STEPS, "fail_import")}
    granted = dev.rights("importmachineRole")
    assert {right for right in granted if right[1] != "*"} == invoked
    assert {action.partition(":")[0] for action, resource in granted if resource == "*"} == {"logs"}
    assert {action for action, resource in granted if resource == "*"} == LOG_DELIVERY


def test_errors_are_logged_without_what_tenants_sent(dev):
    logging = dev.properties("AWS::StepFunctions::StateMachine", "importmachine")["LoggingConfiguration"]
    assert logging == {
        "Level": "ERROR",
        "IncludeExecutionData": False,
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": "importlog.Arn"}}],
    }
    log = dev.properties("AWS::Logs::LogGroup", "importlog")
    assert (log["LogGroupName"], log["KmsKeyId"]) == ("/aws/vendedlogs/aimass-dev/import", "key.Arn")


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_every_state_that_does_something_is_bounded_and_tried_again_with_jitter(stage, request):
    states = request.getfixturevalue(stage).state_machine()["States"]
    tasks = {name: state for name, state in states.items() if state["Type"] not in {"Choice", "Fail"}}
    assert set(tasks) == {*STEPS, "fail_import"}
    for state in tasks.values():
        assert state["TimeoutSeconds"] > 0
        assert [retry["JitterStrategy"] for retry in state["Retry"]] == ["FULL", "FULL"]
