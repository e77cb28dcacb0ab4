import pytest

from local.durable.calls import Effect, effect

NONE, JOURNAL, SNAPSHOT = Effect.NONE, Effect.JOURNAL, Effect.SNAPSHOT


@pytest.mark.parametrize(
    ("method", "path", "target", "action", "expected"),
    [
        ("GET", "/bucket/key", "", "", NONE),
        ("HEAD", "/bucket/key", "", "", NONE),
        ("PUT", "/bucket/key", "", "", JOURNAL),
        ("PUT", "/bucket/a/b", "", "", JOURNAL),
        ("DELETE", "/bucket/key", "", "", JOURNAL),
        ("PUT", "/bucket", "", "", SNAPSHOT),
        ("PUT", "/bucket/", "", "", SNAPSHOT),
        ("POST", "/", "DynamoDB_20120810.TransactWriteItems", "", JOURNAL),
        ("POST", "/", "DynamoDB_20120810.TransactGetItems", "", NONE),
        ("POST", "/", "DynamoDB_20120810.Query", "", NONE),
        ("POST", "/", "DynamoDB_20120810.CreateTable", "", SNAPSHOT),
        ("POST", "/", "AWSStepFunctions.StartExecution", "", JOURNAL),
        ("POST", "/", "AWSStepFunctions.DescribeExecution", "", NONE),
        ("POST", "/", "AWSStepFunctions.CreateStateMachine", "", SNAPSHOT),
        ("POST", "/", "AmazonSQS.SendMessageBatch", "", JOURNAL),
        ("POST", "/", "AmazonSQS.CreateQueue", "", SNAPSHOT),
        ("POST", "/", "TrentService.Decrypt", "", JOURNAL),
        ("POST", "/", "TrentService.CreateKey", "", SNAPSHOT),
        ("POST", "/", "", "DescribeStacks", NONE),
        ("POST", "/", "", "CreateStack", SNAPSHOT),
        ("POST", "/", "", "AssumeRole", JOURNAL),
        ("POST", "/2015-03-31/functions/f/invocations", "", "", JOURNAL),
        ("PUT", "/2015-03-31/functions/f/code", "", "", SNAPSHOT),
        ("POST", "/v2/apis", "", "", SNAPSHOT),
    ],
)
def test_what_a_call_waits_for(method, path, target, action, expected):
    assert effect(method, path, target, action) is expected
