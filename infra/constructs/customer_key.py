"""The customer key of a stage: what is stored, queued or logged is encrypted under it."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_kms import Key
from constructs import Construct

from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage


class CustomerKey(Key):
    """Rotated every year. Functions use it by rights of their own; two services by the key's policy."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(
            scope,
            "key",
            alias=f"alias/{stage.prefix}",
            description=f"everything that {stage.prefix} stores",
            enable_key_rotation=True,
            removal_policy=stage.removal_policy,
        )
        self._let_logs_use_it(stage)
        self._let_events_use_it()

    def allow_read(self, function: ServiceFunction) -> None:
        """Lets the function read what S3, DynamoDB or SQS hold under the key."""
        function.allow("kms", ["Decrypt"], self.key_arn)

    def allow_write(self, function: ServiceFunction) -> None:
        """Lets the function write there too. S3 reads a multipart upload's parts again to make the object."""
        function.allow("kms", ["Decrypt", "GenerateDataKey"], self.key_arn)

    def _let_logs_use_it(self, stage: Stage) -> None:
        stack = Stack.of(self)
        groups = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:/aws/*/{stage.prefix}*"
        self.add_to_resource_policy(
            PolicyStatement(
                principals=[ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
                actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                resources=["*"],
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
            )
        )

    def _let_events_use_it(self) -> None:
        """EventBridge sends to our encrypted queues; which of its rules may is each queue's policy."""
        self.add_to_resource_policy(
            PolicyStatement(
                principals=[ServicePrincipal("events.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
            )
        )
