from botocore.stub import Stubber

from aimass.adapters.aws.counter import DynamoCallCounter


def test_environments_add_to_one_sum_a_tenant_and_second(dynamodb):
    here, there = DynamoCallCounter(dynamodb, "once"), DynamoCallCounter(dynamodb, "once")
    assert [here.add("t", 7, 5), there.add("t", 7, 2), here.add("t", 7, 1)] == [5, 7, 8]
    assert here.add("t", 8, 1) == 1
    assert here.add("other", 7, 1) == 1


def test_a_counter_expires_a_minute_after_its_second(dynamodb):
    DynamoCallCounter(dynamodb, "once").add("t", 1000, 3)
    [item] = dynamodb.scan(TableName="once")["Items"]
    assert item == {"id": {"S": "calls#t#1000"}, "calls": {"N": "3"}, "expiration": {"N": "1060"}}


def test_a_counter_that_cannot_be_reached_stops_no_call(dynamodb, caplog):
    with Stubber(dynamodb) as stubber:
        stubber.add_client_error("update_item", "ProvisionedThroughputExceededException")
        assert DynamoCallCounter(dynamodb, "once").add("t", 1, 5) == 5
    assert "calls were not counted" in caplog.text
