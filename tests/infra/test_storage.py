from __future__ import annotations

import json
import re

import pytest

from infra.settings import STAGES

KINDS = ("AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::S3::Bucket")
TABLES = ("registrytable", "idempotencytable")


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
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key.Arn"}
    assert rule["BucketKeyEnabled"] is True
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
    rule, *_ = lifecycle(dev, name)
    assert rule == {
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        "ExpiredObjectDeleteMarker": True,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "Status": "Enabled",
    }


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_uploads_go_after_35_days_and_artifacts_never_by_age(stage, request):
    deployment = request.getfixturevalue(stage)
    _, expiry, *_ = lifecycle(deployment, "uploadsbucket")
    assert expiry == {"ExpirationInDays": 35, "Prefix": "uploads/", "Status": "Enabled"}
    assert not [rule for rule in lifecycle(deployment, "artifactsbucket") if "ExpirationInDays" in rule]


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize(
    ("prefix", "days"), [("predictions/", 7), ("conversions/", 7), ("compressions/", 7), ("data/", 35)]
)
def test_bodies_answers_workspaces_and_examples_go_in_time_and_what_they_replaced_a_day_later(
    stage, prefix, days, request
):
    rules = {rule.get("Prefix"): rule for rule in lifecycle(request.getfixturevalue(stage), "uploadsbucket")}
    assert rules[prefix] == {
        "Prefix": prefix,
        "ExpirationInDays": days,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "Status": "Enabled",
    }


def lifecycle(deployment, bucket):
    return deployment.properties("AWS::S3::Bucket", bucket)["LifecycleConfiguration"]["Rules"]


def test_uploads_alone_are_announced_on_eventbridge(dev):
    enabled = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert dev.properties("AWS::S3::Bucket", "uploadsbucket")["NotificationConfiguration"] == enabled
    assert "NotificationConfiguration" not in dev.properties("AWS::S3::Bucket", "artifactsbucket")


def test_prod_keeps_its_data_when_its_stack_is_deleted(prod):
    for kind in KINDS:
        for name, resource in prod.of_type(kind).items():
            kept = "Retain" if name == "registrytable" else "RetainExceptOnCreate"
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (kept, "Retain")
    assert prod.properties("AWS::DynamoDB::Table", "registrytable")["DeletionProtectionEnabled"] is True


def test_dev_goes_without_a_trace(dev):
    for kind in KINDS:
        for resource in dev.of_type(kind).values():
            assert resource["DeletionPolicy"] == "Delete"
    assert dev.properties("AWS::DynamoDB::Table", "registrytable")["DeletionProtectionEnabled"] is False


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_encrypted_under_the_stages_key(dev, name):
    encryption = dev.properties("AWS::DynamoDB::Table", name)["SSESpecification"]
    assert encryption == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": "key.Arn"}


def test_the_idempotency_table_is_as_powertools_names_it_and_keeps_nothing_for_long(dev):
    properties = dev.properties("AWS::DynamoDB::Table", "idempotencytable")
    assert properties["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_one_key_a_stage_that_is_rotated(stage, request):
    deployment = request.getfixturevalue(stage)
    (key,) = deployment.of_type("AWS::KMS::Key").values()
    assert key["Properties"]["EnableKeyRotation"] is True
    assert deployment.properties("AWS::KMS::Alias", "keyAlias") == {
        "AliasName": f"alias/aimass-{stage}",
        "TargetKeyId": "key.Arn",
    }


def test_beside_the_account_only_logs_events_and_publishers_of_alarms_may_use_the_key(dev):
    allowed = {json.dumps(one["Principal"]): one for one in dev.statements("AWS::KMS::Key", "key")}
    services = [{"Service": f"{service}.amazonaws.com"} for service in ("logs.AWS::Region", "events")]
    publishers = {"Service": [f"{service}.amazonaws.com" for service in ("budgets", "cloudwatch")]}
    wanted = {json.dumps(one) for one in (*services, publishers)}
    account = json.dumps({"AWS": "arn:AWS::Partition:iam::AWS::AccountId:root"})
    assert set(allowed) == wanted | {account}
    logs = allowed[json.dumps({"Service": "logs.AWS::Region.amazonaws.com"})]
    groups = "arn:AWS::Partition:logs:AWS::Region:AWS::AccountId:log-group:/aws/*/aimass-dev*"
    assert logs["Condition"] == {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}}
    assert allowed[json.dumps({"Service": "events.amazonaws.com"})]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_no_log_under_the_key_has_a_name_that_the_key_does_not_know(dev):
    encrypted = [log["Properties"] for log in dev.of_type("AWS::Logs::LogGroup").values()]
    names = [log["LogGroupName"] for log in encrypted if "KmsKeyId" in log]
    assert len(names) >= len(dev.functions())
    assert all(re.fullmatch(r"/aws/[^/]+/aimass-dev.*", name) for name in names)


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_web_pages_put_parts_from_the_stages_origins_only(stage, request):
    deployment = request.getfixturevalue(stage.name)
    rules = deployment.properties("AWS::S3::Bucket", "uploadsbucket").get("CorsConfiguration", {}).get("CorsRules", [])
    assert [(rule["AllowedMethods"], rule["AllowedOrigins"], rule["ExposedHeaders"]) for rule in rules] == (
        [(["PUT"], list(stage.origins), ["ETag"])] if stage.origins else []
    )
    assert "CorsConfiguration" not in deployment.properties("AWS::S3::Bucket", "artifactsbucket")


def test_what_prod_keeps_under_a_fixed_name_can_be_taken_in_by_the_next_deployment(prod):
    """CloudFormation imports what is there already if it has a name of its own and stays when its stack goes."""
    logs = [log for log in prod.of_type("AWS::Logs::LogGroup").values() if "LogGroupName" in log["Properties"]]
    (images,) = prod.of_type("AWS::ECR::Repository").values()
    assert images["Properties"]["RepositoryName"] == "aimass-prod-jobs"
    kept = [one for one in logs if one["DeletionPolicy"] != "Delete"]
    assert len(kept) > len(prod.functions())
    assert {one["DeletionPolicy"] for one in [*kept, images]} == {"RetainExceptOnCreate"}


def test_the_storage_stack_says_what_an_s3_client_and_who_tears_down_must_know(dev):
    template = json.loads((dev.assembly / "aimass-dev-storage.template.json").read_text())
    outputs = set(template["Outputs"])
    assert outputs >= {"registrytable", "idempotencytable", "uploadsbucket", "artifactsbucket", "customerkey"}
