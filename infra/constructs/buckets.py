"""The two buckets. Each hands out rights on its own prefix only."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk.aws_s3 import BlockPublicAccess, Bucket, BucketEncryption, CfnBucket, LifecycleRule
from constructs import Construct

from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage


class PrivateBucket(Construct):
    """Versioned, encrypted, TLS only. Leftovers of multipart uploads go after a day, replaced versions after 30."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage) -> None:
        super().__init__(scope, name)
        self.prefix = name
        self._bucket = Bucket(
            self,
            "bucket",
            versioned=True,
            encryption=BucketEncryption.S3_MANAGED,
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            removal_policy=stage.removal_policy,
            lifecycle_rules=[
                LifecycleRule(
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                    noncurrent_version_expiration=Duration.days(30),
                )
            ],
        )
        self.name = self._bucket.bucket_name

    def allow(self, function: ServiceFunction, *actions: str) -> None:
        """Lets the function do these S3 actions on objects under the prefix."""
        function.allow("s3", actions, self._bucket.arn_for_objects(f"{self.prefix}/*"))


class ArtifactsBucket(PrivateBucket):
    """Content-addressed bytes: `artifacts/<tenant>/sha256/<hex>`."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(scope, "artifacts", stage=stage)


class UploadsBucket(PrivateBucket):
    """Where models arrive: `uploads/<tenant>/<model>/<file>`. Its events go to EventBridge."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(scope, "uploads", stage=stage)
        # The L2's event_bridge_enabled would bring a custom resource with a function and rights of its own.
        resource = self._bucket.node.default_child
        assert isinstance(resource, CfnBucket)
        resource.notification_configuration = CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )

    def allow_list(self, function: ServiceFunction) -> None:
        """Lets the function list objects and their versions under the prefix."""
        under_prefix = {"StringLike": {"s3:prefix": f"{self.prefix}/*"}}
        function.allow("s3", ["ListBucket", "ListBucketVersions"], self._bucket.bucket_arn, conditions=under_prefix)
