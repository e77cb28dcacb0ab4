"""`python -m infra.key --stage prod --tenant acme`: makes an API key in a deployed stage and prints it, once.

It takes credentials that may read the storage stack and write its table. A tenant makes further keys by the API.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import boto3

from aimass.adapters.aws.keys import DynamoApiKeys
from aimass.domain.errors import AimassError
from aimass.usecases.keys import create_key

STAGES = ("dev", "prod")  # infra.settings has them too, and takes the CDK with it


def main(arguments: Sequence[str] | None = None, client: Any = boto3.client) -> None:
    """`client` makes a service's client by its name."""
    parser = argparse.ArgumentParser(prog="python -m infra.key")
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--tenant", required=True)
    options = parser.parse_args(arguments)
    table = registry_table(client("cloudformation"), f"aimass-{options.stage}")
    try:
        print(create_key(DynamoApiKeys(client("dynamodb"), table), options.tenant))
    except AimassError as error:
        sys.exit(error.message)


def registry_table(cloudformation: Any, prefix: str) -> str:
    """The name that the stage's table was given. Exits if there is none."""
    found = cloudformation.describe_stack_resources(StackName=f"{prefix}-storage")["StackResources"]
    for resource in found:
        if resource["ResourceType"] == "AWS::DynamoDB::Table" and resource["LogicalResourceId"].startswith("registry"):
            return str(resource["PhysicalResourceId"])
    sys.exit(f"the stack {prefix}-storage has no registry table")


if __name__ == "__main__":
    main()
