"""What must outlive every other stack: the table and the two buckets."""

from __future__ import annotations

from aws_cdk import Stack
from constructs import Construct

from infra.constructs.buckets import ArtifactsBucket, UploadsBucket
from infra.constructs.registry_table import RegistryTable
from infra.settings import Stage


class StorageStack(Stack):
    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.table = RegistryTable(self, stage=stage)
        self.uploads = UploadsBucket(self, stage=stage)
        self.artifacts = ArtifactsBucket(self, stage=stage)
