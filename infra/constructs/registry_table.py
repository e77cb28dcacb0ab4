"""The one table: models, versions, aliases, jobs and the hashes of API keys."""

from __future__ import annotations

from aws_cdk.aws_dynamodb import Attribute, AttributeType, BillingMode, PointInTimeRecoverySpecification, Table
from constructs import Construct

from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage


class RegistryTable(Construct):
    """On demand, restorable to any second of the last 35 days, items with `ttl` expire."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(scope, "registry")
        self._table = Table(
            self,
            "table",
            partition_key=Attribute(name="PK", type=AttributeType.STRING),
            sort_key=Attribute(name="SK", type=AttributeType.STRING),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="ttl",
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            deletion_protection=stage.keep_data,
            removal_policy=stage.removal_policy,
        )
        self.name = self._table.table_name

    def allow(self, function: ServiceFunction, *actions: str) -> None:
        """Lets the function do these DynamoDB actions on the table. A transaction needs those of its parts."""
        function.allow("dynamodb", actions, self._table.table_arn)

    def allow_transactions(self, function: ServiceFunction) -> None:
        """Lets the function read, and write in transactions. Nothing is deleted: no function may DeleteItem."""
        self.allow(function, "GetItem", "Query", "ConditionCheckItem", "PutItem", "UpdateItem")
