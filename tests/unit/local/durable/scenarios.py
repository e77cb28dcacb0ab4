"""What a process does before it is killed, and what the next one finds."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from tests.unit.local.durable.in_process import Services

MB = 2**20
BUCKET = "kept"
LARGE = b"0123456789abcdef" * (3 * MB // 16)
TABLE = {
    "TableName": "things",
    "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
    "BillingMode": "PAY_PER_REQUEST",
}


def write_items(services: Services) -> None:
    table = services.client("dynamodb")
    table.create_table(**TABLE)
    for name in ("kept", "changed", "deleted"):
        table.put_item(TableName="things", Item=_item(name, 1))
    table.update_item(
        TableName="things",
        Key=_key("changed"),
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "2"}},
    )
    table.delete_item(TableName="things", Key=_key("deleted"))
    table.transact_write_items(
        TransactItems=[{"Put": {"TableName": "things", "Item": _item(name, 3)}} for name in ("one", "two")]
    )
    table.batch_write_item(RequestItems={"things": [{"PutRequest": {"Item": _item("batched", 4)}}]})


def read_items(services: Services) -> dict[str, str]:
    found = services.client("dynamodb").scan(TableName="things")["Items"]
    return {item["SK"]["S"]: item["n"]["N"] for item in found}


def write_objects(services: Services) -> dict[str, str]:
    s3 = services.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    versions = {}
    for key, body in (("small", b"first"), ("small", b"second"), ("large", LARGE), ("empty", b""), ("gone", b"was")):
        put = s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata={"job": "7"}, Tagging="a=b")
        versions[put["VersionId"]] = key
    s3.delete_object(Bucket=BUCKET, Key="gone")
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "large"})
    return versions


def read_objects(services: Services) -> dict[str, Any]:
    s3 = services.client("s3")
    found: dict[str, Any] = {
        key["Key"]: _digest(s3.get_object(Bucket=BUCKET, Key=key["Key"])["Body"].read())
        for key in s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    }
    listed = s3.list_object_versions(Bucket=BUCKET)
    found["versions"] = {
        version["VersionId"]: _digest(
            s3.get_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
        )
        for version in listed["Versions"]
    }
    found["markers"] = [marker["Key"] for marker in listed["DeleteMarkers"]]
    found["metadata"] = s3.head_object(Bucket=BUCKET, Key="small")["Metadata"]
    found["tags"] = s3.get_object_tagging(Bucket=BUCKET, Key="small")["TagSet"]
    large = {"Bucket": BUCKET, "Key": "large"}
    pinned = {**large, "VersionId": s3.head_object(**large)["VersionId"]}
    for name, where in (("range", large), ("pinned range", pinned)):
        answer = s3.get_object(**where, Range=f"bytes=5-{2 * MB + 4}")
        found[name] = [_digest(answer["Body"].read()), answer["ContentRange"]]
    return found


def begin_upload(services: Services) -> list[str]:
    s3 = services.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="whole", Metadata={"job": "7"})["UploadId"]
    where = {"Bucket": BUCKET, "Key": "whole", "UploadId": upload}
    s3.upload_part(**where, PartNumber=1, Body=b"replaced")
    s3.upload_part(**where, PartNumber=1, Body=LARGE)
    s3.upload_part(**where, PartNumber=2, Body=b"end")
    other = s3.create_multipart_upload(Bucket=BUCKET, Key="left")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="left", UploadId=other, PartNumber=1, Body=LARGE)
    s3.abort_multipart_upload(Bucket=BUCKET, Key="left", UploadId=other)
    return [upload]


def complete_upload(services: Services) -> str:
    s3 = services.client("s3")
    listed = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert [upload["Key"] for upload in listed] == ["whole"]
    where = {"Bucket": BUCKET, "Key": "whole", "UploadId": listed[0]["UploadId"]}
    parts = [{"PartNumber": p["PartNumber"], "ETag": p["ETag"]} for p in s3.list_parts(**where)["Parts"]]
    return str(s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})["ETag"])


def read_upload(services: Services) -> dict[str, Any]:
    s3 = services.client("s3")
    answer = s3.get_object(Bucket=BUCKET, Key="whole")
    return {
        "body": _digest(answer["Body"].read()),
        "etag": answer["ETag"],
        "metadata": answer["Metadata"],
        "uploads": s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []),
    }


def send_messages(services: Services) -> None:
    sqs = services.client("sqs")
    queue = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    for body in ("deleted", "received", "sent"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    first = sqs.receive_message(QueueUrl=queue)["Messages"][0]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"])
    sqs.receive_message(QueueUrl=queue)


def receive_messages(services: Services) -> list[list[str]]:
    sqs = services.client("sqs")
    queue = sqs.get_queue_url(QueueName="work")["QueueUrl"]
    received = sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["ApproximateReceiveCount"]
    )
    return [[one["Body"], one["Attributes"]["ApproximateReceiveCount"]] for one in received["Messages"]]


def start_execution(services: Services) -> str:
    states = services.client("stepfunctions")
    definition = '{"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": true}}}'
    role = "arn:aws:iam::000000000000:role/r"
    machine = states.create_state_machine(name="m", definition=definition, roleArn=role)["stateMachineArn"]
    return str(states.start_execution(stateMachineArn=machine, name="e")["executionArn"])


def describe_execution(services: Services) -> list[str]:
    states = services.client("stepfunctions")
    machine = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    arn = states.list_executions(stateMachineArn=machine)["executions"][0]["executionArn"]
    described = states.describe_execution(executionArn=arn)
    return [described["name"], described["status"], described["error"]]


def put_without_delivery(services: Services) -> str:
    """An event that no function takes before the end of the process."""
    from ministack.services import lambda_svc

    s3 = _bucket_whose_events_call_a_function(services)
    lambda_svc._execute_function_dispatch = lambda *_: time.sleep(60)
    return str(s3.put_object(Bucket=BUCKET, Key="uploads/t/m/f", Body=b"x")["VersionId"])


def deliver(services: Services) -> list[Any]:
    services.post("/_aimass/deliver")
    while not services.calls:
        time.sleep(0.01)
    while services.durability.pending_events():
        time.sleep(0.01)
    return services.calls


def count_pending(services: Services) -> int:
    return services.durability.pending_events()


def _bucket_whose_events_call_a_function(services: Services) -> Any:
    s3, events, functions = (services.client(name) for name in ("s3", "events", "lambda"))
    function = functions.create_function(
        FunctionName="f",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="h.h",
        Code={"ZipFile": _zip()},
    )["FunctionArn"]
    events.put_rule(Name="r", EventPattern='{"source": ["aws.s3"]}')
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": function}])
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}})
    return s3


def _zip() -> bytes:
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("h.py", "")
    return out.getvalue()


def _key(name: str) -> dict[str, Any]:
    return {"PK": {"S": "p"}, "SK": {"S": name}}


def _item(name: str, number: int) -> dict[str, Any]:
    return {**_key(name), "n": {"N": str(number)}}


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def query_in_pages(services: Services) -> dict[str, Any]:
    """The same queries, of a table of 300 items, by boto3's pages and by their limits."""
    table = services.client("dynamodb")
    table.create_table(**TABLE)
    for start in range(0, 300, 25):
        puts = [
            {"PutRequest": {"Item": _item(f"{n % 3}#{n:03}", n) | {"t": {"S": "x" * 9000}}}}
            for n in range(start, start + 25)
        ]
        table.batch_write_item(RequestItems={"things": puts})
    table.delete_item(TableName="things", Key=_key("1#001"))
    asked = {
        "TableName": "things",
        "KeyConditionExpression": "PK = :p AND begins_with(SK, :s)",
        "ExpressionAttributeValues": {":p": {"S": "p"}, ":s": {"S": "1#"}},
    }
    older = asked | {"KeyConditionExpression": "PK = :p AND SK < :s", "ScanIndexForward": False}
    return {
        "by size": _pages(table, asked | {"KeyConditionExpression": "PK = :p AND SK >= :s"}),
        "by limit": _pages(table, asked | {"Limit": 40}),
        "backward": _pages(table, older | {"Limit": 30}),
        "filtered": _pages(table, asked | {"Limit": 40, "FilterExpression": "n < :n"}, {":n": {"N": "100"}}),
        "other tenant": _pages(table, asked, {":p": {"S": "q"}}),
    }


def _pages(table: Any, asked: dict[str, Any], values: dict[str, Any] | None = None) -> list[list[int]]:
    asked = asked | {"ExpressionAttributeValues": asked["ExpressionAttributeValues"] | (values or {})}
    pages = table.get_paginator("query").paginate(**asked)
    return [[int(item["n"]["N"]) for item in page["Items"]] for page in pages]
