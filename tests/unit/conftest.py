import pytest
from moto import mock_aws

from aimass.adapters.aws.artifacts import S3ArtifactStore
from aimass.adapters.aws.clients import client
from aimass.adapters.aws.registry import DynamoModelRegistry
from aimass.adapters.aws.uploads import S3UploadStore


@pytest.fixture
def aws():
    with mock_aws():
        yield


@pytest.fixture
def registry(aws):
    dynamodb = client("dynamodb")
    keys = [("PK", "HASH"), ("SK", "RANGE")]
    dynamodb.create_table(
        TableName="table",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    return DynamoModelRegistry(dynamodb, "table")


def bucket(name):
    s3 = client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return s3


@pytest.fixture
def uploads(aws):
    return S3UploadStore(bucket("uploads"), "uploads")


@pytest.fixture
def artifacts(aws):
    return S3ArtifactStore(bucket("artifacts"), "artifacts")
