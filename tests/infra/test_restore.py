"""The registry becomes what its restored copy is, and is only written where it differs."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from infra.restore import main, restore


def item(name, value):
    return {"PK": {"S": "T#acme"}, "SK": {"S": name}, "value": {"S": value}}


@pytest.fixture
def dynamodb():
    with mock_aws():
        service = boto3.client("dynamodb")
        for table in ("live", "restored"):
            service.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
                AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in ("PK", "SK")],
            )
        for one in (item("SAME", "1"), item("DAMAGED", "wrong"), item("NEWER", "3")):
            service.put_item(TableName="live", Item=one)
        for one in (item("SAME", "1"), item("DAMAGED", "right"), item("LOST", "2")):
            service.put_item(TableName="restored", Item=one)
        yield service


def items(dynamodb, table):
    return sorted(dynamodb.scan(TableName=table)["Items"], key=lambda one: one["SK"]["S"])


def test_what_differs_is_written_back_and_what_came_later_is_deleted(dynamodb):
    assert restore(dynamodb, "restored", "live", apply=True) == (2, 1)
    assert items(dynamodb, "live") == items(dynamodb, "restored")
    assert restore(dynamodb, "restored", "live", apply=True) == (0, 0)


def test_a_dry_run_counts_the_same_and_changes_nothing(dynamodb):
    before = items(dynamodb, "live")
    assert restore(dynamodb, "restored", "live", apply=False) == (2, 1)
    assert items(dynamodb, "live") == before


SECRET = {"PK": {"S": "KEY#5e"}, "SK": {"S": "KEY"}, "tenant": {"S": "acme"}}


def api_keys(dynamodb, table):
    return {one["SK"]["S"] for one in items(dynamodb, table)} & {"KEY", "APIKEY#old", "APIKEY#new"}


@pytest.fixture
def revoked(dynamodb):
    """Since the copy was made, one key was revoked and another was made."""
    for one in (SECRET, item("APIKEY#old", "revoked")):
        dynamodb.put_item(TableName="restored", Item=one)
    dynamodb.put_item(TableName="live", Item=item("APIKEY#new", "made"))
    return dynamodb


def test_a_key_that_was_revoked_stays_so_and_one_made_since_stays(revoked):
    assert restore(revoked, "restored", "live", apply=True) == (2, 1)
    assert api_keys(revoked, "live") == {"APIKEY#new"}


def test_keys_are_restored_for_whoever_says_so(revoked):
    assert restore(revoked, "restored", "live", apply=True, keys=True) == (4, 2)
    assert api_keys(revoked, "live") == {"KEY", "APIKEY#old"}


@pytest.mark.parametrize(("more", "counted"), [((), "write 2 and delete 1"), (("--keys",), "write 4 and delete 2")])
def test_the_command_asks_for_keys_by_name(revoked, capsys, more, counted):
    main(["--stage", "dev", "--source", "restored", *more], {"dynamodb": revoked, "cloudformation": Stack()}.get)
    assert counted in capsys.readouterr().out


class Stack:
    """CloudFormation, of a storage stack whose table is `live`."""

    def describe_stack_resources(self, StackName):
        assert StackName == "aimass-dev-storage"
        table = {"ResourceType": "AWS::DynamoDB::Table", "LogicalResourceId": "registrytable0"}
        return {"StackResources": [table | {"PhysicalResourceId": "live"}]}
