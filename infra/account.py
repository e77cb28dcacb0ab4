"""A deployed stage, as an operator's commands reach it; what AWS or the domain refuses ends them with a sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from aimass.domain.errors import AimassError

STAGES = ("dev", "prod")  # infra.settings has them too, and takes the CDK with it
NO_REGION = "no region is set: export AWS_DEFAULT_REGION=eu-central-1, or where the stage is"
NO_CREDENTIALS = "no credentials of the AWS account were found: sign in, then `aws sts get-caller-identity` shows whose"


@contextmanager
def ended_by_a_sentence() -> Iterator[None]:
    """Decorates a command's `main`: exits with what went wrong, in place of a traceback."""
    try:
        yield
    except AimassError as error:
        sys.exit(error.message)
    except NoRegionError:
        sys.exit(NO_REGION)
    except NoCredentialsError:
        sys.exit(NO_CREDENTIALS)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"AWS refused: {error}" if isinstance(error, ClientError) else str(error))


def registry_table(cloudformation: Any, prefix: str) -> str:
    """The name that the stage's table was given. Exits if there is none."""
    stack = f"{prefix}-storage"
    for resource in _resources(cloudformation, stack):
        if resource["ResourceType"] == "AWS::DynamoDB::Table" and resource["LogicalResourceId"].startswith("registry"):
            return str(resource["PhysicalResourceId"])
    sys.exit(f"the stack {stack} has no registry table")


def _resources(cloudformation: Any, stack: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        sys.exit(f"there is no stack {stack} in this account and region: deploy it first, or set AWS_DEFAULT_REGION")
    return found
