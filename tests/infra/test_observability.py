"""Everything deployed is watched: the alarms are compared with the resources of all stacks."""

from __future__ import annotations

import json

import pytest

from infra.settings import STAGES

REFUSING = {
    *("identify", "order_conversion", "collect_conversion", "verify", "register"),
    *("prepare", "plan", "compress", "evaluate", "repair", "choose", "order_compression", "publish"),
}


def alarms(deployment):
    """By name, those of the observability stack; the rollouts' own take deployments back and call nobody."""
    found = (one["Properties"] for one in deployment.of_type("AWS::CloudWatch::Alarm").values())
    return {one["AlarmName"]: one for one in found if one.get("AlarmActions")}


def metric(alarm):
    """(namespace, metric, statistic, dimension values) of an alarm on one metric."""
    dimensions = tuple(one["Value"] for one in alarm.get("Dimensions", ()))
    return alarm["Namespace"], alarm["MetricName"], alarm.get("Statistic") or alarm["ExtendedStatistic"], dimensions


def single(deployment):
    return {metric(one): one for one in alarms(deployment).values() if "MetricName" in one}


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_every_function_is_watched_for_errors_throttles_and_calls_near_its_timeout(stage, request):
    deployment = request.getfixturevalue(stage)
    watched = single(deployment)
    for folder, properties in deployment.functions().items():
        name = properties["FunctionName"]
        errors = watched.get(("AWS/Lambda", "Errors", "Sum", (name,)))
        if folder in REFUSING:
            errors = errors or watched.get((f"aimass-{stage}", f"{name}-faults", "Sum", ()))
        assert errors["Threshold"] == 0
        assert watched["AWS/Lambda", "Throttles", "Sum", (name,)]["Threshold"] == 0
        slow = watched["AWS/Lambda", "Duration", "p99", (name,)]
        assert slow["Threshold"] == pytest.approx(0.9 * 1000 * properties["Timeout"])


def test_a_wait_of_25_seconds_is_not_near_the_timeout_of_the_control_plane(dev):
    assert single(dev)["AWS/Lambda", "Duration", "p99", ("aimass-dev-api",)]["Threshold"] > 25_000


def test_a_refused_upload_is_no_error_of_a_step_nor_is_one_that_is_retried(dev):
    filters = [one["Properties"] for one in dev.of_type("AWS::Logs::MetricFilter").values()]
    logs = {one["LogGroupName"] for one in filters}
    assert logs == {f"/aws/lambda/aimass-dev-{step.replace('_', '-')}" for step in REFUSING}
    assert logs <= {one["Properties"]["LogGroupName"] for one in dev.of_type("AWS::Logs::LogGroup").values()}
    patterns = {}
    for one in filters:
        (made,) = one["MetricTransformations"]
        assert (made["MetricNamespace"], made["MetricName"], "Sum", ()) in single(dev)
        patterns.setdefault(one["LogGroupName"], set()).add(one["FilterPattern"])
    faults = {'"[ERROR]" -StepRefused -StepBusy', '"Task timed out"', '"Runtime exited"'}
    assert patterns == dict.fromkeys(logs, faults)


def test_executions_that_time_out_and_a_run_of_failures_are_told(dev):
    machines = [one["Properties"] for one in dev.of_type("AWS::StepFunctions::StateMachine").values()]
    for machine in machines:
        arn = f"arn:AWS::Partition:states:AWS::Region:AWS::AccountId:stateMachine:{machine['StateMachineName']}"
        assert single(dev)["AWS/States", "ExecutionsTimedOut", "Sum", (arn,)]["Threshold"] == 0
        failed = alarms(dev)[f"{machine['StateMachineName']}-executions-failed"]
        assert "IF(failed >= 5" in json.dumps(failed["Metrics"])
        assert arn in json.dumps(failed["Metrics"])
        assert failed["Threshold"] == 50
    assert len(machines) == 2


def test_a_tenant_who_cancels_a_job_wakes_nobody(dev):
    """Cancelling aborts the execution."""
    assert "ExecutionsAborted" not in json.dumps(alarms(dev))


def test_every_queue_where_events_end_is_watched(dev):
    """The queues that another queue, or a function's own dead letters, send to."""
    ends = {
        one["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]
        for one in dev.of_type("AWS::SQS::Queue").values()
        if "RedrivePolicy" in one["Properties"]
    }
    ends |= {one["DeadLetterConfig"]["TargetArn"] for one in dev.functions().values() if "DeadLetterConfig" in one}
    ends |= {
        target["DeadLetterConfig"]["Arn"]
        for rule in dev.of_type("AWS::Events::Rule").values()
        for target in rule["Properties"]["Targets"]
        if "DeadLetterConfig" in target
    }
    assert ends
    names = {f"{name}.Arn": one["Properties"]["QueueName"] for name, one in dev.of_type("AWS::SQS::Queue").items()}
    for queue in ends:
        alarm = single(dev)["AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", (names[queue],)]
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_the_share_of_server_errors_is_watched(dev):
    alarm = alarms(dev)["aimass-dev-api-5xx"]
    assert alarm["Threshold"] == 1
    assert "IF(errors >= 5," in json.dumps(alarm["Metrics"])
    metrics = {one["MetricStat"]["Metric"]["MetricName"] for one in alarm["Metrics"] if "MetricStat" in one}
    assert metrics == {"5xx", "Count"}
    apis = {
        d["Value"] for one in alarm["Metrics"] if "MetricStat" in one for d in one["MetricStat"]["Metric"]["Dimensions"]
    }
    assert apis == set(dev.of_type("AWS::ApiGatewayV2::Api"))


def test_every_alarm_tells_the_one_topic_and_says_what_it_means(dev):
    for name, alarm in alarms(dev).items():
        assert name.startswith("aimass-dev-")
        assert alarm["AlarmActions"] == alarm["OKActions"] == ["alarmstopic"]
        assert alarm["AlarmDescription"]
        assert alarm["TreatMissingData"] == "notBreaching"


def test_the_topic_is_encrypted_and_takes_alarms_and_budgets_of_this_account_over_tls(dev):
    topic = dev.properties("AWS::SNS::Topic", "alarmstopic")
    assert topic["KmsMasterKeyId"] == "key.Arn"
    (policy,) = (one["Properties"] for one in dev.of_type("AWS::SNS::TopicPolicy").values())
    deny, allow = policy["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    publishers = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
    ours = {"StringEquals": {"aws:SourceAccount": "AWS::AccountId"}}
    assert (allow["Action"], allow["Principal"], allow["Condition"]) == ("sns:Publish", {"Service": publishers}, ours)
    uses = dev.properties("AWS::KMS::Key", "key")["KeyPolicy"]["Statement"]
    (statement,) = [one for one in uses if one["Principal"] == {"Service": publishers}]
    assert (statement["Action"], statement["Condition"]) == (["kms:Decrypt", "kms:GenerateDataKey"], ours)


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_nobody_is_mailed_unless_the_settings_name_somebody(stage, request):
    mails = request.getfixturevalue(stage.name).of_type("AWS::SNS::Subscription").values()
    assert [one["Properties"]["Endpoint"] for one in mails] == ([stage.alarm_email] if stage.alarm_email else [])


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_the_budget_tells_the_topic_at_80_percent_and_at_all_of_it(stage, request):
    budget = request.getfixturevalue(stage.name).properties("AWS::Budgets::Budget", "budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": stage.monthly_budget_usd, "Unit": "USD"}
    assert budget["Budget"]["TimeUnit"] == "MONTHLY"
    told = {
        (one["Notification"]["NotificationType"], one["Notification"]["Threshold"]): one["Subscribers"]
        for one in budget["NotificationsWithSubscribers"]
    }
    topic = [{"Address": "alarmstopic", "SubscriptionType": "SNS"}]
    assert told == {("ACTUAL", 80): topic, ("ACTUAL", 100): topic}


def test_the_dashboard_shows_every_function_queue_table_and_the_api(dev):
    (page,) = (one["Properties"] for one in dev.of_type("AWS::CloudWatch::Dashboard").values())
    assert page["DashboardName"] == "aimass-dev"
    lines = [line for widget in json.loads(page["DashboardBody"])["widgets"] for line in metrics_of(widget)]
    assert {name for namespace, name, *_ in lines if namespace == "AWS/ApiGateway"} == {
        "4xx",
        "5xx",
        "Count",
        "Latency",
    }
    executions = {name.removeprefix("Executions") for namespace, name, *_ in lines if namespace == "AWS/States"}
    assert executions == {"Started", "Succeeded", "Failed", "TimedOut", "Aborted"}
    functions = {one["FunctionName"] for one in dev.functions().values()}
    for name in ("Invocations", "Errors", "Duration"):
        assert {line[3] for line in lines if line[:2] == ["AWS/Lambda", name]} == functions
    for name in ("ReadThrottleEvents", "WriteThrottleEvents"):
        assert {line[3] for line in lines if line[:2] == ["AWS/DynamoDB", name]} == set(
            dev.of_type("AWS::DynamoDB::Table")
        )
    queues = {one["Properties"]["QueueName"] for one in dev.of_type("AWS::SQS::Queue").values()}
    shown = {line[3] for line in lines if line[0] == "AWS/SQS"}
    assert shown == {name for name in queues if "dead" in name}


def metrics_of(widget):
    return widget["properties"].get("metrics", ())
