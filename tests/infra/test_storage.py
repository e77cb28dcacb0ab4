from __future__ import annotations

import pytest

KINDS = ("AWS::DynamoDB::Table", "AWS::S3::Bucket")


def test_the_table_is_keyed_by_pk_and_sk(dev):
    properties = dev.properties("AWS::DynamoDB::Table", "registrytable")
    assert properties["KeySchema"] == [
        {"AttributeName": "PK", "KeyType": "HASH"},
        {"AttributeName": "SK", "KeyType": "RANGE"},
    ]
    assert {a["AttributeName"]: a["AttributeType"] for a in properties["AttributeDefinitions"]} == {
        "PK": "S",
        "SK": "S",
    }


def test_the_table_is_on_demand_restorable_and_lets_items_expire(dev):
    properties = dev.properties("AWS::DynamoDB::Table", "registrytable")
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


@pytest.mark.parametrize("name", ["uploadsbucket", "artifactsbucket"])
def test_a_bucket_is_versioned_encrypted_and_private(dev, name):
    properties = dev.properties("AWS::S3::Bucket", name)
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert properties["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }


@pytest.mark.parametrize("name", ["uploadsbucket", "artifactsbucket"])
def test_a_bucket_refuses_calls_without_tls(dev, name):
    (statement,) = dev.properties("AWS::S3::BucketPolicy", f"{name}Policy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Principal"]) == ("Deny", "s3:*", {"AWS": "*"})
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"{name}.Arn", f"{name}.Arn/*"]


@pytest.mark.parametrize("name", ["uploadsbucket", "artifactsbucket"])
def test_leftovers_go_after_a_day_and_replaced_objects_after_a_month(dev, name):
    (rule,) = dev.properties("AWS::S3::Bucket", name)["LifecycleConfiguration"]["Rules"]
    assert rule == {
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "Status": "Enabled",
    }


def test_uploads_alone_are_announced_on_eventbridge(dev):
    enabled = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert dev.properties("AWS::S3::Bucket", "uploadsbucket")["NotificationConfiguration"] == enabled
    assert "NotificationConfiguration" not in dev.properties("AWS::S3::Bucket", "artifactsbucket")


def test_prod_keeps_its_data_when_its_stack_is_deleted(prod):
    for kind in KINDS:
        for resource in prod.of_type(kind).values():
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert prod.properties("AWS::DynamoDB::Table", "registrytable")["DeletionProtectionEnabled"] is True


def test_dev_goes_without_a_trace(dev):
    for kind in KINDS:
        for resource in dev.of_type(kind).values():
            assert resource["DeletionPolicy"] == "Delete"
    assert dev.properties("AWS::DynamoDB::Table", "registrytable")["DeletionProtectionEnabled"] is False
