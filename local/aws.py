"""boto3 clients for the AWS services of this machine's stack."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

REGION = "eu-central-1"
ACCOUNT = "000000000000"


def client(service: str, endpoint: str) -> Any:
    """No proxy, profile or real credentials of the user's are looked at."""
    config = Config(proxies={}, retries={"total_max_attempts": 3, "mode": "standard"}, s3={"addressing_style": "path"})
    return boto3.session.Session(
        aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION
    ).client(service, endpoint_url=endpoint, config=config)
