import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from aimass.adapters.aws.transactions import Write, transact
from aimass.domain.errors import Busy, VersionTaken

WRITE = Write("Put", "table", {"Item": {"PK": {"S": "x"}}}, "attribute_not_exists(PK)")


@pytest.fixture
def stubber(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    client = boto3.client("dynamodb")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def cancel(stubber, *codes):
    reasons = [{"Code": code} for code in codes]
    stubber.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": reasons},
    )


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_what_passes_is_waited_for(stubber, reason):
    cancel(stubber, reason, "None")
    stubber.add_response("transact_write_items", {})
    transact(stubber.client, WRITE, WRITE)


def test_transactions_that_stay_in_the_way_can_be_told_from_what_never_passes(stubber):
    for _ in range(8):
        cancel(stubber, "TransactionConflict")
    with pytest.raises(Busy, match="try again") as caught:
        transact(stubber.client, WRITE)
    assert caught.value.details == {"retry_after": 1}


def test_a_failed_condition_raises_the_error_of_its_write(stubber):
    cancel(stubber, "None", "ConditionalCheckFailed")
    with pytest.raises(VersionTaken):
        transact(stubber.client, WRITE, WRITE.otherwise(VersionTaken("taken")))


def test_other_reasons_are_told_as_they_are(stubber):
    cancel(stubber, "ValidationError")
    with pytest.raises(ClientError):
        transact(stubber.client, WRITE)
