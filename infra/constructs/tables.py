"""The two tables. Each says which rights it hands out, the key's among them."""

from __future__ import annotations

from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk.aws_dynamodb import (
    Attribute,
    AttributeType,
    BillingMode,
    PointInTimeRecoverySpecification,
    Table,
    TableEncryption,
)
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.constructs.customer_key import TABLE_READ, TABLE_WRITE, CustomerKey
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage

WRITES = {"PutItem", "UpdateItem", "DeleteItem"}


class EncryptedTable(Construct):
    """On demand, under the stage's key."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, key: CustomerKey, **properties: Any) -> None:
        super().__init__(scope, name)
        self._key = key
        self._table = Table(
            self,
            "table",
            billing_mode=BillingMode.PAY_PER_REQUEST,
            encryption=TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            removal_policy=stage.removal_policy,
            **properties,
        )
        self.name = self._table.table_name

    def allow(self, function: ServiceFunction, *actions: str) -> None:
        """Lets the function do these DynamoDB actions on the table. A transaction needs those of its parts."""
        function.allow("dynamodb", actions, self._table.table_arn)
        self._key.allow(function, "dynamodb", TABLE_WRITE if WRITES.intersection(actions) else TABLE_READ)


class RegistryTable(EncryptedTable):
    """Restorable to any second of the last 35 days; items with `ttl` expire."""

    def __init__(self, scope: Construct, *, stage: Stage, key: CustomerKey) -> None:
        super().__init__(
            scope,
            "registry",
            stage=stage,
            key=key,
            partition_key=Attribute(name="PK", type=AttributeType.STRING),
            sort_key=Attribute(name="SK", type=AttributeType.STRING),
            time_to_live_attribute="ttl",
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            deletion_protection=stage.keep_data,
        )
        if stage.keep_data:  # a table that is protected can't be taken back
            self._table.apply_removal_policy(RemovalPolicy.RETAIN)

    def allow_transactions(self, function: ServiceFunction, *more: str) -> None:
        """Lets the function read, and write in transactions; it may delete only if `more` says so."""
        self.allow(function, "GetItem", "Query", "ConditionCheckItem", "PutItem", "UpdateItem", *more)


class IdempotencyTable(EncryptedTable):
    """Answers to repeat, and calls counted by the second. Items live for a day at most: nothing to restore."""

    def __init__(self, scope: Construct, *, stage: Stage, key: CustomerKey) -> None:
        super().__init__(
            scope,
            "idempotency",
            stage=stage,
            key=key,
            partition_key=Attribute(name="id", type=AttributeType.STRING),
            time_to_live_attribute="expiration",
        )
        acknowledge(self, "DDB3", "its items are worth nothing after a day: a restored one would repeat an old answer")
