"""From an event to a function: rules, queues, dead letters, and who may send."""

from __future__ import annotations

import pytest

from aimass.usecases.webhooks import PAUSES

WORK = ("uploaded", "examples", "predictions", "webhooks")
QUEUES = (*WORK, *(f"{name}deadletters" for name in WORK), "deadevents")
UPLOADED = {
    "source": ["aws.s3"],
    "detail-type": ["Object Created"],
    "detail": {"bucket": {"name": ["uploadsbucket"]}, "object": {"key": [{"prefix": "uploads/"}]}},
}
ASKED = UPLOADED | {
    "detail": {"bucket": {"name": ["uploadsbucket"]}, "object": {"key": [{"prefix": "predictions/in/"}]}}
}
GIVEN = UPLOADED | {"detail": {"bucket": {"name": ["uploadsbucket"]}, "object": {"key": [{"prefix": "data/"}]}}}
PROGRESS = [{"wildcard": "conversions/*.progress"}, {"wildcard": "compressions/.progress/*.progress"}]
TOLD = UPLOADED | {"detail": {"bucket": {"name": ["uploadsbucket"]}, "object": {"key": PROGRESS}}}
ENDED_BADLY = {
    "source": ["aws.states"],
    "detail-type": ["Step Functions Execution Status Change"],
    "detail": {
        "stateMachineArn": [
            "importmachine",
            "arn:AWS::Partition:states:AWS::Region:AWS::AccountId:stateMachine:aimass-dev-compression",
        ],
        "status": ["ABORTED", "FAILED", "TIMED_OUT"],
    },
}


def queue(deployment, name):
    return deployment.properties("AWS::SQS::Queue", name)


def rule(deployment, name):
    properties = deployment.properties("AWS::Events::Rule", name)
    assert properties.get("State", "ENABLED") == "ENABLED"
    return properties


def test_there_is_no_queue_but_these(dev):
    assert set(dev.of_type("AWS::SQS::Queue")) == set(QUEUES)


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_under_the_stages_key_and_keeps_messages_for_14_days(dev, name):
    properties = queue(dev, name)
    assert properties["KmsMasterKeyId"] == "key.Arn"
    assert properties["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_refuses_calls_without_tls(dev, name):
    (refusal,) = [s for s in dev.statements("AWS::SQS::QueuePolicy", f"{name}Policy") if s["Effect"] == "Deny"]
    assert (refusal["Action"], refusal["Principal"]) == ("sqs:*", {"AWS": "*"})
    assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("name", "senders"),
    [
        ("uploaded", {"uploadedrule.Arn"}),
        ("predictions", {"askedrule.Arn"}),
        ("webhooks", set()),
        *((f"{name}deadletters", set()) for name in WORK),
        ("deadevents", {"importended.Arn", "hourly.Arn", "progress.Arn"}),
    ],
)
def test_only_the_queues_own_rules_may_send_to_it(dev, name, senders):
    allowed = [s for s in dev.statements("AWS::SQS::QueuePolicy", f"{name}Policy") if s["Effect"] == "Allow"]
    assert all(one["Principal"] == {"Service": "events.amazonaws.com"} for one in allowed)
    assert {one["Action"] for one in allowed} <= {"sqs:SendMessage"}
    assert {one["Condition"]["ArnEquals"]["aws:SourceArn"] for one in allowed} == senders


@pytest.mark.parametrize(
    ("name", "pattern", "target"),
    [
        ("uploadedrule", UPLOADED, "uploaded.Arn"),
        ("examplesrule", GIVEN, "examples.Arn"),
        ("askedrule", ASKED, "predictions.Arn"),
    ],
)
def test_only_objects_created_under_a_prefix_of_their_own_are_queued(dev, name, pattern, target):
    properties = rule(dev, name)
    assert properties["EventPattern"] == pattern
    assert [one["Arn"] for one in properties["Targets"]] == [target]


@pytest.mark.parametrize(("name", "receives"), [("uploaded", 5), ("examples", 5), ("predictions", 5), ("webhooks", 12)])
def test_a_message_that_fails_each_time_goes_to_dead_letters_that_can_be_moved_back(dev, name, receives):
    redrive = queue(dev, name)["RedrivePolicy"]
    assert redrive == {"deadLetterTargetArn": f"{name}deadletters.Arn", "maxReceiveCount": receives}


def test_a_webhook_is_given_up_before_it_would_be_a_dead_letter(dev):
    assert len(PAUSES) + 1 < queue(dev, "webhooks")["RedrivePolicy"]["maxReceiveCount"]


@pytest.mark.parametrize(("name", "batch"), [("uploaded", 5), ("examples", 5), ("predictions", 1), ("webhooks", 1)])
def test_the_reader_says_which_messages_of_a_batch_must_come_again(dev, name, batch):
    mappings = [one["Properties"] for one in dev.of_type("AWS::Lambda::EventSourceMapping").values()]
    (properties,) = [one for one in mappings if one["EventSourceArn"] == f"{name}.Arn"]
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["ScalingConfig"] == {"MaximumConcurrency": 10}
    assert properties["BatchSize"] == batch
    assert "MaximumBatchingWindowInSeconds" not in properties


@pytest.mark.parametrize(
    ("name", "reader", "times"),
    [
        ("uploaded", "start_import", 6),
        ("examples", "start_compression", 6),
        ("predictions", "run_prediction", 1),
        ("webhooks", "deliver_webhook", 2),
    ],
)
def test_no_message_comes_again_while_its_batch_may_still_be_worked_on(dev, name, reader, times):
    assert queue(dev, name)["VisibilityTimeout"] >= times * dev.functions()[reader]["Timeout"]


@pytest.mark.parametrize(
    ("name", "hours", "when"), [("importended", 6, ENDED_BADLY), ("progress", 1, TOLD), ("hourly", 1, None)]
)
def test_a_call_that_a_rule_makes_is_tried_again_for_a_while_and_then_kept(dev, name, hours, when):
    properties = rule(dev, name)
    assert properties.get("EventPattern") == when
    (target,) = properties["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": "deadevents.Arn"}
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": hours * 3600, "MaximumRetryAttempts": 2}


def test_the_asynchronous_calls_themselves_are_bounded_alike(dev):
    bounds = {
        one["Properties"]["FunctionName"]: one["Properties"]
        for one in dev.of_type("AWS::Lambda::EventInvokeConfig").values()
    }
    assert {name: one["MaximumEventAgeInSeconds"] for name, one in bounds.items()} == {
        "noteprogressfunction": 3600,
        "settleimportfunction": 6 * 3600,
        "sweepfunction": 3600,
    }
    assert {one["MaximumRetryAttempts"] for one in bounds.values()} == {2}
    for name, one in bounds.items():
        alias = name.replace("function", "live")
        assert one["Qualifier"] == {"Fn::Select": [7, {"Fn::Split": [":", alias]}]}  # the last word of its ARN
