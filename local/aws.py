"""boto3 clients for the AWS services of this machine's stack."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

REGION = "eu-central-1"
ACCOUNT = "000000000000"
# Keeps boto3 from the user's own profiles and from looking for credentials elsewhere.
ISOLATED = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


def client(service: str, endpoint: str) -> Any:
    config = Config(proxies={}, retries={"total_max_attempts": 3, "mode": "standard"}, s3={"addressing_style": "path"})
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return boto3.session.Session().client(service, region_name=REGION, endpoint_url=endpoint, config=config, **keys)
