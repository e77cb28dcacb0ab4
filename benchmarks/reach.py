"""The stack as clients reach it: its HTTP API, and its AWS services by boto3."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import requests
from botocore.config import Config

from benchmarks.stack import OwnStack
from local.aws import KEYS, REGION

TENANT = "local"
Json = dict[str, Any]


class CutOff(Exception):
    """A server error while the stack was being killed: not acknowledged."""


class Reach:
    """Of one start: the next one has other ports and clients."""

    def __init__(self, stack: OwnStack) -> None:
        assert stack.facts is not None
        self.url, self.bucket, self.artifacts = (
            stack.facts.url,
            stack.facts.uploads_bucket,
            stack.facts.artifacts_bucket,
        )
        self.table = stack.facts.table
        self.s3 = one_try("s3", stack.facts.aws_endpoint)
        self.dynamodb = one_try("dynamodb", stack.facts.aws_endpoint)
        self.session = requests.Session()
        self.routes = self.call("GET", "/openapi.json").json()["paths"]

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self.session.request(method, self.url + path, timeout=60, **options)
        if answer.status_code >= 500:
            raise CutOff(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    def offers(self, method: str, path: str) -> bool:
        return method in self.routes.get(path, {})

    def jobs(self) -> Iterator[Json]:
        """Every job's item."""
        yield from self._items("JOB#")

    def versions(self) -> Iterator[Json]:
        yield from self._items("VER#")

    def _items(self, prefix: str) -> Iterator[Json]:
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="PK = :pk AND begins_with(SK, :sk)",
            ExpressionAttributeValues={":pk": {"S": f"T#{TENANT}"}, ":sk": {"S": prefix}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]


def one_try(service: str, endpoint: str) -> Any:
    """A client that asks once: whatever it is told was acknowledged, and nothing else."""
    config = Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=60)
    keys = {name.lower(): value for name, value in KEYS.items()}
    return boto3.session.Session().client(service, region_name=REGION, endpoint_url=endpoint, config=config, **keys)


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
