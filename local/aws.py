"""boto3 clients for the AWS services of this machine's stack."""

from __future__ import annotations

import os
from typing import Any

import boto3
from botocore.config import Config

REGION = "eu-central-1"
ACCOUNT = "000000000000"
KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
# Keeps boto3 from the user's own profiles and from looking for credentials elsewhere.
ISOLATED = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


def isolate() -> None:
    """Takes the user's own AWS settings out of this process's environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(ISOLATED)


def client(service: str, endpoint: str) -> Any:
    config = Config(proxies={}, retries={"total_max_attempts": 3, "mode": "standard"}, s3={"addressing_style": "path"})
    keys = {name.lower(): value for name, value in KEYS.items()}
    return boto3.session.Session().client(service, region_name=REGION, endpoint_url=endpoint, config=config, **keys)
