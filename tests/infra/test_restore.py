"""The registry becomes what its restored copy is, and is only written where it differs."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from infra.restore import restore


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
