import pytest
from moto import mock_aws

from aimass.adapters.aws.artifact_index import DynamoArtifactIndex
from aimass.adapters.aws.artifacts import S3ArtifactStore
from aimass.adapters.aws.clients import client
from aimass.adapters.aws.registry import DynamoModelRegistry
from aimass.adapters.aws.registry.limits import DynamoTenantLimits
from aimass.adapters.aws.uploads import S3UploadStore
from aimass.domain.tenants import Limits

LIMITS = Limits(bytes=10**12, models=100, jobs=50)


@pytest.fixture
def aws():
    with mock_aws():
        yield


@pytest.fixture
def dynamodb(aws):
    """With the two tables that the app has, `table` and `once`."""
    dynamodb = client("dynamodb")
    for name, keys in (("table", {"PK": "HASH", "SK": "RANGE"}), ("once", {"id": "HASH"})):
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            BillingMode="PAY_PER_REQUEST",
        )
    return dynamodb


@pytest.fixture
def registry(dynamodb):
    return DynamoModelRegistry(dynamodb, "table")


@pytest.fixture
def limits(registry):
    return DynamoTenantLimits(registry._client, registry._table, LIMITS)


def bucket(name):
    s3 = client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return s3


@pytest.fixture
def uploads(aws):
    return S3UploadStore(bucket("uploads"), "uploads")


@pytest.fixture
def index(registry):
    return DynamoArtifactIndex(registry._client, registry._table)


@pytest.fixture
def artifacts(index):
    return S3ArtifactStore(bucket("artifacts"), "artifacts", index)
