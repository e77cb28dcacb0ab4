"""The two buckets. Each hands out rights on its own prefix only, and those to the key that go with them."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk.aws_s3 import (
    BlockPublicAccess,
    Bucket,
    BucketEncryption,
    CfnBucket,
    CorsRule,
    HttpMethods,
    LifecycleRule,
)
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.constructs.customer_key import OBJECT_READ, OBJECT_WRITE, CustomerKey
from infra.constructs.service_function import ServiceFunction
from infra.settings import Stage

READS = {"GetObject", "GetObjectVersion", "ListMultipartUploadParts"}
WRITES = {"PutObject"}
UPLOADS_KEPT = Duration.days(35)  # so long can an import be retried, as long as the table can be restored
PREDICTIONS = "predictions"  # bodies and answers of prediction jobs, in the uploads bucket
CONVERSIONS = "conversions"  # orders of conversions and what their jobs left, there too
EXAMPLES = "data"  # of what a model is asked, for compressions: `data/<tenant>/<folder>/...`, there too
COMPRESSIONS = "compressions"  # what the steps of compressions leave for each other, and orders of their jobs
# What a job puts to say how far it is.
PROGRESS = (f"{CONVERSIONS}/*.progress", f"{COMPRESSIONS}/.progress/*.progress")
WEEK = Duration.days(7)


class PrivateBucket(Construct):
    """Versioned, encrypted, TLS only. Leftovers of multipart uploads go after a day, replaced versions after 30.

    Objects under the prefix expire after `kept`: they become replaced versions.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        stage: Stage,
        key: CustomerKey,
        cors: Sequence[CorsRule] = (),
        kept: Duration | None = None,
        more_rules: Sequence[LifecycleRule] = (),
    ) -> None:
        super().__init__(scope, name)
        self.prefix = name
        self._key = key
        self._bucket = Bucket(
            self,
            "bucket",
            versioned=True,
            encryption=BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            cors=list(cors),
            removal_policy=stage.removal_policy,
            lifecycle_rules=[
                LifecycleRule(
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                    noncurrent_version_expiration=Duration.days(30),
                    expired_object_delete_marker=True,
                ),
                # A rule of its own: S3 takes no delete markers and days in one.
                *([LifecycleRule(prefix=f"{name}/", expiration=kept)] if kept else []),
                *more_rules,
            ],
        )
        acknowledge(
            self,
            "S1",
            "its readers and writers are our functions and their presigned URLs, which the access log of the API names;"
            " an audit of every object is CloudTrail's data events, for the account to turn on",
        )
        self.name = self._bucket.bucket_name

    def allow(self, function: ServiceFunction, *actions: str, prefix: str = "") -> None:
        """Lets the function do these S3 actions on objects under the bucket's prefix, or another one."""
        prefix = prefix or self.prefix
        function.allow("s3", actions, self._bucket.arn_for_objects(f"{prefix}/*"))
        stack = Stack.of(self)
        export = stack.resolve(stack.export_value(self._bucket.bucket_arn))["Fn::ImportValue"]
        objects = f"IAM5[Resource::{export}/{prefix}/*]"
        acknowledge(
            function, objects, "every object under the one prefix: keys begin with the tenant, who is data here"
        )
        if WRITES.intersection(actions):
            self._key.allow(function, "s3", OBJECT_WRITE)
        elif READS.intersection(actions):
            self._key.allow(function, "s3", OBJECT_READ)

    def allow_list(self, function: ServiceFunction, *actions: str, prefix: str = "") -> None:
        """Lets the function do these S3 actions that list what is under the bucket's prefix, or another one."""
        under_prefix = {"StringLike": {"s3:prefix": f"{prefix or self.prefix}/*"}}
        function.allow("s3", actions, self._bucket.bucket_arn, conditions=under_prefix)


class ArtifactsBucket(PrivateBucket):
    """Content-addressed bytes: `artifacts/<tenant>/sha256/<hex>`."""

    def __init__(self, scope: Construct, *, stage: Stage, key: CustomerKey) -> None:
        super().__init__(scope, "artifacts", stage=stage, key=key)


class UploadsBucket(PrivateBucket):
    """Where models arrive: `uploads/<tenant>/<model>/<file>`, for 35 days. Its events go to EventBridge.

    Bodies and answers of prediction jobs lie under `predictions/` for 7 days, orders and results of conversions
    under `conversions/`, workspaces of compressions under `compressions/`; their examples under `data/` for 35.

    Web pages of the stage's origins may put parts by presigned URL, and read the ETag that completing asks for.
    """

    def __init__(self, scope: Construct, *, stage: Stage, key: CustomerKey) -> None:
        origins = list(stage.origins)
        puts = CorsRule(
            allowed_methods=[HttpMethods.PUT],
            allowed_origins=origins,
            allowed_headers=["*"],
            exposed_headers=["ETag"],
            max_age=3600,
        )
        kept = {PREDICTIONS: WEEK, CONVERSIONS: WEEK, COMPRESSIONS: WEEK, EXAMPLES: UPLOADS_KEPT}
        rules = [
            LifecycleRule(prefix=f"{name}/", expiration=time, noncurrent_version_expiration=Duration.days(1))
            for name, time in kept.items()
        ]
        super().__init__(
            scope,
            "uploads",
            stage=stage,
            key=key,
            cors=[puts] if origins else [],
            kept=UPLOADS_KEPT,
            more_rules=rules,
        )
        # The L2's event_bridge_enabled would bring a custom resource with a function and rights of its own.
        resource = self._bucket.node.default_child
        assert isinstance(resource, CfnBucket)
        resource.notification_configuration = CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
