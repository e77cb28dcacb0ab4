"""The operator's way to a tenant's first key in a deployed stage."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from aimass.adapters.aws.keys import DynamoApiKeys
from aimass.usecases.keys import holder_of
from infra import key
from infra.settings import STAGES


class StorageStack:
    """CloudFormation, as far as it is asked."""

    def __init__(self, **tables):
        self._tables = tables

    def describe_stack_resources(self, StackName):
        assert StackName == "aimass-dev-storage"
        resources = [("AWS::DynamoDB::Table", *names) for names in self._tables.items()]
        resources.insert(0, ("AWS::KMS::Key", "registrykey", "no-table"))
        names = ("ResourceType", "LogicalResourceId", "PhysicalResourceId")
        return {"StackResources": [dict(zip(names, one, strict=True)) for one in resources]}


@pytest.fixture
def client():
    with mock_aws():
        tables = boto3.client("dynamodb")
        for name in ("other", "the-registry"):
            tables.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
                AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in ("PK", "SK")],
            )
        stack = StorageStack(idempotencytable1A2B="other", registrytable4C91="the-registry")
        yield {"cloudformation": stack, "dynamodb": tables}.get


def test_the_key_opens_its_tenant_in_the_registry_of_the_stage(client, capsys):
    key.main(["--stage", "dev", "--tenant", "acme"], client)
    secret = capsys.readouterr().out.strip()
    keys = DynamoApiKeys(client("dynamodb"), "the-registry")
    assert holder_of(keys, f"Bearer {secret}").tenant == "acme"


def test_a_name_that_no_tenant_can_have_is_refused(client):
    with pytest.raises(SystemExit, match="tenant"):
        key.main(["--stage", "dev", "--tenant", "No Good"], client)


def test_every_stage_can_have_keys():
    assert set(key.STAGES) == set(STAGES)


def test_a_stack_without_the_table_is_named(client):
    with pytest.raises(SystemExit, match="aimass-dev-storage"):
        key.main(["--stage", "dev", "--tenant", "acme"], {"cloudformation": StorageStack(), "dynamodb": None}.get)
