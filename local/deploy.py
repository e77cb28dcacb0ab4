"""Deploys a cloud assembly to this machine's CloudFormation, as `cdk deploy` would to AWS's."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.assembly import Asset, StackTemplate, read_stacks
from local.aws import client

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
DIGEST_TAG = "aimass:template-sha256"
STACK_SECONDS = 120
TEMPLATES = "aimass-templates"
BOOTSTRAP_VERSION = ("/cdk-bootstrap/hnb659fds/version", "30")


class DeploymentFailed(RuntimeError):
    """CloudFormation refused or rolled back a stack; the message holds its reasons."""


def deploy(assembly: Path, endpoint: str) -> None:
    """Creates or updates what differs from what is deployed. Data stays. Raises DeploymentFailed."""
    service = client("cloudformation", endpoint)
    for stack in read_stacks(assembly):
        current = _describe(service, stack.name)
        if current and _digest(current) == stack.digest and _settled(current["StackStatus"]):
            continue
        _publish(stack, endpoint)
        _apply(service, stack, current, _put_template(stack, endpoint))


def _publish(stack: StackTemplate, endpoint: str) -> None:
    client("ssm", endpoint).put_parameter(
        Name=BOOTSTRAP_VERSION[0], Value=BOOTSTRAP_VERSION[1], Type="String", Overwrite=True
    )
    s3 = client("s3", endpoint)
    for bucket in {asset.bucket for asset in stack.assets}:
        _make_bucket(s3, bucket)
    for asset in stack.assets:
        s3.put_object(Bucket=asset.bucket, Key=asset.key, Body=_content(asset))


def _put_template(stack: StackTemplate, endpoint: str) -> str:
    """A template of more than 51,200 bytes is taken from S3 only."""
    s3 = client("s3", endpoint)
    _make_bucket(s3, TEMPLATES)
    key = f"{stack.digest}.json"
    s3.put_object(Bucket=TEMPLATES, Key=key, Body=stack.body.encode())
    return f"{endpoint}/{TEMPLATES}/{key}"


def _make_bucket(s3: Any, name: str) -> None:
    try:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    except (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        return


def _content(asset: Asset) -> bytes:
    if not asset.zipped:
        return asset.path.read_bytes()
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        if asset.layer:
            # The functions here run in the environment that holds the layers' packages already.
            archive.writestr("python/README", "not built for this machine\n")
        else:
            for path in sorted(asset.path.rglob("*")):
                archive.write(path, path.relative_to(asset.path))
    return package.getvalue()


def _apply(service: Any, stack: StackTemplate, current: dict[str, Any] | None, template: str) -> None:
    if current and current["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"):
        service.delete_stack(StackName=stack.name)
        _wait(service, stack.name)
        current = None
    operation = service.update_stack if current else service.create_stack
    try:
        operation(
            StackName=stack.name,
            TemplateURL=template,
            Capabilities=CAPABILITIES,
            Tags=[{"Key": DIGEST_TAG, "Value": stack.digest}],
        )
    except ClientError as error:
        raise DeploymentFailed(f"{stack.name}: {error}") from error
    status = _wait(service, stack.name)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeploymentFailed(f"{stack.name} is {status}:\n{_reasons(service, stack.name)}")


def _wait(service: Any, name: str) -> str:
    until = time.monotonic() + STACK_SECONDS
    while time.monotonic() < until:
        found = _describe(service, name)
        status = found["StackStatus"] if found else "DELETE_COMPLETE"
        if not status.endswith("_IN_PROGRESS"):
            return str(status)
        time.sleep(0.05)
    return "still in progress"


def _describe(service: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = service.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def _settled(status: str) -> bool:
    return status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def _digest(stack: dict[str, Any]) -> str | None:
    return next((tag["Value"] for tag in stack.get("Tags", ()) if tag["Key"] == DIGEST_TAG), None)


def _reasons(service: Any, name: str) -> str:
    events = service.describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return json.dumps([{e["LogicalResourceId"]: e.get("ResourceStatusReason", "")} for e in failed], indent=1)
