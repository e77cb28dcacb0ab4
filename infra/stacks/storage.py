"""What must outlive every other stack: the key, the tables and the buckets."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.constructs.buckets import ArtifactsBucket, UploadsBucket
from infra.constructs.customer_key import CustomerKey
from infra.constructs.tables import IdempotencyTable, RegistryTable
from infra.settings import Stage


class StorageStack(Stack):
    """Where data is to be kept, the stack itself can't be deleted before its termination protection is taken off."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id, termination_protection=stage.keep_data)
        self.key = CustomerKey(self, stage=stage)
        self.table = RegistryTable(self, stage=stage, key=self.key)
        self.idempotency = IdempotencyTable(self, stage=stage, key=self.key)
        self.uploads = UploadsBucket(self, stage=stage, key=self.key)
        self.artifacts = ArtifactsBucket(self, stage=stage, key=self.key)
        CfnOutput(self, "registry_table", value=self.table.name)
        CfnOutput(self, "idempotency_table", value=self.idempotency.name)
        CfnOutput(self, "uploads_bucket", value=self.uploads.name)
        CfnOutput(self, "artifacts_bucket", value=self.artifacts.name)
        CfnOutput(self, "customer_key", value=self.key.key_arn)
