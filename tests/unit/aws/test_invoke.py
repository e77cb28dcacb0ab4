import io
import json

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from aimass.adapters.aws.invoke import LambdaTiers, TierFailed, lambda_client
from aimass.domain.errors import CapacityExhausted, PayloadTooLarge, PredictionOutOfMemory, PredictionTimeout

ARNS = {"medium": "arn:medium:live", "large": "arn:large:live"}
ANSWER = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}", "isBase64Encoded": False}
SECRET = "the caller's own words"


class Client:
    """Lambda's Invoke: answers with `payload`, or raises it."""

    def __init__(self, payload, failed=False):
        self.payload = payload
        self.failed = failed
        self.calls = []

    def invoke(self, **arguments):
        self.calls.append(arguments)
        if isinstance(self.payload, Exception):
            raise self.payload
        answer = {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(self.payload).encode())}
        return {**answer, "FunctionError": "Unhandled"} if self.failed else answer


def ask(client, event=None, seconds=27.9):
    waits = []

    def make_client(seconds):
        waits.append(seconds)
        return client

    tiers = LambdaTiers(ARNS, "large", make_client).for_call(event or {"rawPath": "/predict"}, lambda: seconds)
    return tiers.ask("large"), waits


def refused(client, **options):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each test says which
        ask(client, **options)
    assert len(client.calls) <= 1
    assert SECRET not in str(caught.value)
    return caught.value


def test_the_event_goes_unchanged_and_the_answer_comes_back_unchanged():
    event = {"rawPath": "/predict", "body": 'é"\\\ud800😀', "isBase64Encoded": False, "headers": {"a": "b"}}
    client = Client(ANSWER)
    found, waits = ask(client, event)
    assert found == ANSWER
    assert client.calls[0]["FunctionName"] == "arn:large:live"
    assert json.loads(client.calls[0]["Payload"]) == event
    assert waits == [27]


def test_a_text_body_takes_no_more_bytes_than_it_came_with():
    event = {"body": "é" * 1000}
    client = Client(ANSWER)
    ask(client, event)
    assert len(client.calls[0]["Payload"]) == 2000 + len('{"body":""}')


@pytest.mark.parametrize("code", ["TooManyRequestsException", "EC2ThrottledException", "SnapStartNotReadyException"])
def test_a_throttled_tier_has_no_capacity_left(code):
    error = refused(Client(ClientError({"Error": {"Code": code, "Message": SECRET}}, "Invoke")))
    assert isinstance(error, CapacityExhausted)
    assert error.details == {"tier": "large", "retry_after": 2}


@pytest.mark.parametrize("kind", [ConnectTimeoutError, EndpointConnectionError])
def test_a_tier_that_cannot_be_reached_has_no_capacity_left(kind):
    assert isinstance(refused(Client(kind(endpoint_url="https://lambda"))), CapacityExhausted)


def test_a_tier_that_does_not_answer_in_time_is_a_timeout():
    assert isinstance(refused(Client(ReadTimeoutError(endpoint_url="https://lambda"))), PredictionTimeout)


def test_a_call_without_a_second_left_is_not_sent():
    client = Client(ANSWER)
    assert isinstance(refused(client, seconds=0.9), PredictionTimeout)
    assert client.calls == []


def test_a_call_that_is_too_large_says_so():
    too_large = ClientError({"Error": {"Code": "RequestTooLargeException", "Message": "x"}}, "Invoke")
    assert isinstance(refused(Client(too_large)), PayloadTooLarge)


def test_a_right_that_is_missing_is_a_fault_of_ours():
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "x"}}, "Invoke")
    assert refused(Client(denied)) is denied


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: 1 Error: Task timed out"}, PredictionTimeout),
        ({"errorMessage": "2026-11-21T09:00:00Z 1 Task timed out after 29.00 seconds"}, PredictionTimeout),
        (
            {"errorType": "Runtime.ExitError", "errorMessage": "Runtime exited with error: signal: killed"},
            PredictionOutOfMemory,
        ),
        ({"errorType": "Runtime.OutOfMemory", "errorMessage": "more than 4096 MB used"}, PredictionOutOfMemory),
        ({"errorType": "KeyError", "errorMessage": SECRET}, TierFailed),
        ({"errorType": "Runtime.ExitError", "errorMessage": f"exit status 1 {SECRET}"}, TierFailed),
    ],
)
def test_a_function_that_ended_is_told_as_a_direct_call_would(payload, kind):
    assert type(refused(Client(payload, failed=True))) is kind


def test_the_client_waits_as_long_as_it_is_told_and_asks_once():
    config = lambda_client(27).meta.config
    assert (config.read_timeout, config.retries["total_max_attempts"]) == (27, 1)
