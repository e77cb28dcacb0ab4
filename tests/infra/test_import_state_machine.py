from __future__ import annotations

import pytest

from aimass.usecases.order_conversion import URL_SECONDS
from infra.settings import CONVERTERS

STEPS = ("identify", "order_conversion", "collect_conversion", "verify", "register")
RESULTS = {
    "identify": "$.identified",
    "order_conversion": "$.ordered",
    "collect_conversion": "$.converted",
    "verify": "$.verified",
    "register": "$.registered",
}

# CloudWatch knows no resource for these.
LOG_DELIVERY = {
    f"logs:{action}"
    for action in (
        *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
        *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
    )
}


def walked(states, first):
    names = [first]
    while following := states[names[-1]].get("Next"):
        names.append(following)
    return names


def test_the_steps_follow_each_other_from_identify_to_register(dev):
    states = dev.state_machine()["States"]
    assert walked(states, states["starts_at"]["Default"]) == ["identify", "needs_conversion"]
    assert walked(states, states["needs_conversion"]["Default"]) == ["verify", "register"]
    assert walked(states, "order_conversion") == [
        *("order_conversion", "convert", "collect_conversion", "verify", "register")
    ]
    assert states["register"]["End"] is True
    assert set(states) == {"starts_at", "needs_conversion", "convert", *STEPS, "fail_import", "import_failed"}


def test_what_is_kept_as_it_is_skips_all_and_what_has_a_converter_is_converted(dev):
    assert dev.state_machine()["States"]["needs_conversion"]["Choices"] == [
        {"Variable": "$.identified.stored", "BooleanEquals": True, "Next": "register"},
        {"Variable": "$.identified.environment", "IsString": True, "Next": "order_conversion"},
    ]


def test_a_conversion_is_a_job_of_the_models_environment_that_gets_the_order_and_nothing_else(dev):
    state = dev.state_machine()["States"]["convert"]
    assert state["Resource"] == "arn:AWS::Partition:states:::batch:submitJob.sync"
    assert state["Parameters"] == {
        "JobName.$": "$$.Execution.Name",
        "JobQueue": "aimass-dev-jobs-cpu",
        "ShareIdentifier.$": "States.Hash($.tenant, 'SHA-256')",
        "SchedulingPriorityOverride": 1,
        "JobDefinition.$": "States.Format('aimass-dev-jobs-convert-{}', $.identified.environment)",
        "ContainerOverrides": {"Environment": [{"Name": "ORDER_URL", "Value.$": "$.ordered.order_url"}]},
    }


def test_of_a_jobs_description_only_the_status_goes_on_in_place_of_the_orders_url(dev):
    state = dev.state_machine()["States"]["convert"]
    assert (state["ResultSelector"], state["ResultPath"]) == ({"status.$": "$.Status"}, "$.ordered.order_url")


def test_the_queue_and_the_definitions_are_those_of_the_jobs(dev):
    queues = {one["Properties"]["JobQueueName"] for one in dev.of_type("AWS::Batch::JobQueue").values()}
    defined = {one["Properties"]["JobDefinitionName"] for one in dev.of_type("AWS::Batch::JobDefinition").values()}
    state = dev.state_machine()["States"]["convert"]["Parameters"]
    assert state["JobQueue"] in queues
    assert {f"aimass-dev-jobs-convert-{environment}" for environment in CONVERTERS} <= defined


def test_the_urls_of_an_order_outlive_the_wait_for_its_job_and_the_wait_its_attempts(dev):
    waits = dev.state_machine()["States"]["convert"]["TimeoutSeconds"]
    definition = dev.properties("AWS::Batch::JobDefinition", "converttreesdefinition")
    attempts = definition["RetryStrategy"]["Attempts"] * definition["Timeout"]["AttemptDurationSeconds"]
    assert attempts < waits < URL_SECONDS


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


@pytest.mark.parametrize("name", [*STEPS, "convert"])
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


def test_an_import_ends_within_six_hours_and_the_steps_with_their_longest_waits_fit_into_it(dev):
    machine = dev.state_machine()
    steps = sum(state.get("TimeoutSeconds", 0) for state in machine["States"].values())
    waits = sum(longest_wait(machine["States"][name]["Retry"][0]) for name in ("identify", "verify"))
    assert machine["TimeoutSeconds"] == 6 * 3600
    assert steps + waits < 6 * 3600


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


def test_a_job_that_batch_could_not_take_is_submitted_again(dev):
    (retry,) = dev.state_machine()["States"]["convert"]["Retry"]
    assert all(error.startswith("Batch.") for error in retry["ErrorEquals"])
    assert (retry["MaxAttempts"], retry["JitterStrategy"]) == (4, "FULL")


def test_the_machine_may_invoke_its_own_functions_run_its_jobs_and_deliver_logs_and_nothing_else(dev):
    invoked = {("lambda:InvokeFunction", f"{name.replace('_', '')}live") for name in (*STEPS, "fail_import")}
    batch, events = (f"arn:AWS::Partition:{service}:AWS::Region:AWS::AccountId" for service in ("batch", "events"))
    definitions = [f"job-definition/aimass-dev-jobs-convert-{one}{end}" for one in CONVERTERS for end in ("", ":*")]
    jobs = {("batch:SubmitJob", f"{batch}:{one}") for one in ("job-queue/aimass-dev-jobs-cpu", *definitions)}
    rule = f"{events}:rule/StepFunctionsGetEventsForBatchJobsRule"
    heard = {(f"events:{action}", rule) for action in ("PutTargets", "PutRule", "DescribeRule")}
    granted = dev.rights("importmachineRole")
    ended = {("batch:TerminateJob", f"{batch}:job/*")}
    assert {right for right in granted if right[1] != "*"} == invoked | jobs | heard | ended
    assert {action for action, resource in granted if resource == "*"} == LOG_DELIVERY | {"batch:DescribeJobs"}


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
    assert set(tasks) == {*STEPS, "convert", "fail_import"}
    for state in tasks.values():
        assert state["TimeoutSeconds"] > 0
        assert {retry["JitterStrategy"] for retry in state["Retry"]} == {"FULL"}
