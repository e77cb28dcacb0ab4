"""The customer key of a stage: what is stored, queued or logged is encrypted under it."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_kms import Key
from constructs import Construct

from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage

# What S3 and SQS ask of the key. S3 reads a multipart upload's parts again to make the object.
OBJECT_READ = ("Decrypt",)
OBJECT_WRITE = ("Decrypt", "GenerateDataKey")
# What DynamoDB's documents ask for, shared out as the CDK's grants do; its wildcards are spelled out.
TABLE_READ = ("Decrypt", "DescribeKey")
TABLE_WRITE = (
    *TABLE_READ,
    *("Encrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
)


class CustomerKey(Key):
    """Rotated every year. Functions use it through S3, DynamoDB and SQS; two services by the key's policy."""

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

    def allow(self, function: ServiceFunction, service: str, actions: Sequence[str]) -> None:
        """Lets `service` (dynamodb, s3, sqs) use the key in the function's name; the function itself may not."""
        via = {"StringEquals": {"kms:ViaService": f"{service}.{Stack.of(function).region}.amazonaws.com"}}
        function.allow("kms", actions, self.key_arn, conditions=via)

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
