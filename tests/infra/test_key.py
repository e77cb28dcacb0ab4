"""The operator's way to a tenant's first key in a deployed stage."""

from __future__ import annotations

import os

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from aimass.adapters.aws.keys import DynamoApiKeys
from aimass.usecases.keys import holder_of
from infra import account, grant, key, restore
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


def run(client, capsys, *options):
    key.main(["--stage", "dev", "--tenant", "acme", *options], client)
    return capsys.readouterr().out.splitlines()


def test_an_operator_sees_a_tenants_keys_and_no_secret(client, capsys):
    (secret,) = run(client, capsys)
    key.main(["--stage", "dev", "--tenant", "other"], client)
    capsys.readouterr()
    (line,) = run(client, capsys, "--list")
    (listed,) = DynamoApiKeys(client("dynamodb"), "the-registry").list_keys("acme")
    assert line.startswith(f"{listed.id}  {listed.prefix}")
    assert "without end" in line
    assert secret not in line


def test_an_operator_ends_a_key_be_it_the_last(client, capsys):
    (secret,) = run(client, capsys)
    keys = DynamoApiKeys(client("dynamodb"), "the-registry")
    (told,) = run(client, capsys, "--revoke", keys.list_keys("acme")[0].id)
    assert "a minute" in told
    assert holder_of(keys, f"Bearer {secret}") is None
    assert run(client, capsys, "--list") == []


def test_a_tenant_is_stopped_by_ending_all_its_keys_and_no_other_tenants(client, capsys):
    secrets = [*run(client, capsys), *run(client, capsys)]
    key.main(["--stage", "dev", "--tenant", "other"], client)
    other = capsys.readouterr().out.strip()
    assert len(run(client, capsys, "--revoke-all")) == 2
    keys = DynamoApiKeys(client("dynamodb"), "the-registry")
    assert [holder_of(keys, f"Bearer {secret}") for secret in secrets] == [None, None]
    assert holder_of(keys, f"Bearer {other}").tenant == "other"


def test_a_key_that_is_not_there_is_told_by_a_sentence(client, capsys):
    with pytest.raises(SystemExit, match="no key 'nothing'"):
        run(client, capsys, "--revoke", "nothing")


COMMANDS = [(key, ()), (grant, ()), (restore, ("--source", "copy"))]


def call(command, more, client=boto3.client):
    tenant = () if command is restore else ("--tenant", "acme")
    command.main(["--stage", "dev", *tenant, *more], client)


@pytest.mark.parametrize(("command", "more"), COMMANDS)
def test_a_stage_that_is_not_deployed_is_told_by_a_sentence(command, more):
    cloudformation = boto3.client("cloudformation")
    answers = Stubber(cloudformation)
    answers.add_client_error("describe_stack_resources", "ValidationError", "Stack ... does not exist", 400)
    answers.activate()
    with pytest.raises(SystemExit, match="there is no stack aimass-dev-storage"):
        call(command, more, lambda _: cloudformation)


@pytest.fixture
def nothing_set(monkeypatch, tmp_path):
    """A shell in which nobody signed in."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return boto3.Session().client


@pytest.mark.parametrize(("command", "more"), COMMANDS)
def test_without_a_region_the_command_says_what_to_export(command, more, nothing_set):
    with pytest.raises(SystemExit, match="export AWS_DEFAULT_REGION"):
        call(command, more, nothing_set)


@pytest.mark.parametrize(("command", "more"), COMMANDS)
def test_without_credentials_the_command_says_to_sign_in(command, more, nothing_set, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with pytest.raises(SystemExit, match="no credentials"):
        call(command, more, boto3.Session().client)


def test_a_copy_that_is_not_there_is_told_by_a_sentence(client):
    with pytest.raises(SystemExit, match=r"AWS refused: .*ResourceNotFound"):
        call(restore, ("--source", "copy"), client)


def test_every_stage_can_have_keys():
    assert set(account.STAGES) == set(STAGES)


def test_a_stack_without_the_table_is_named(client):
    with pytest.raises(SystemExit, match="aimass-dev-storage"):
        key.main(["--stage", "dev", "--tenant", "acme"], {"cloudformation": StorageStack(), "dynamodb": None}.get)
