"""boto3 clients as this platform sets them."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config


def client(service: str) -> Any:
    """A client of the service, for the region and endpoint that the environment names.

    Presigned URLs name the region's own host: the global one redirects for a new bucket, and knows no newer regions.
    At an endpoint that is an address, as on one machine, the bucket stays in the path.
    """
    config = Config(
        signature_version="s3v4" if service == "s3" else None,
        s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
        retries={"mode": "standard", "total_max_attempts": 4},
        # A presigned part's URL must not ask its sender for a checksum header.
        request_checksum_calculation="when_required",
    )
    return boto3.client(service, config=config)
