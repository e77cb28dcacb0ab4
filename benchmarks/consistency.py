"""Whether S3, the table and the processes agree, whatever was acknowledged."""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import ClientError

from benchmarks.reach import TENANT, Reach

SETTLED_SECONDS = 60.0
Json = dict[str, Any]


def contradictions(at: Reach) -> list[str]:
    """After everything that is going on has ended."""
    stuck = _wait_until_settled(at)
    jobs = {job["SK"]["S"].removeprefix("JOB#"): job for job in at.jobs()}
    versions = list(at.versions())
    artifacts = {key.rsplit("/", 1)[-1] for key in _keys(at, at.artifacts, "artifacts/")}
    found = [f"job {job} stays {state}" for job, state in stuck.items()]
    for version in versions:
        name = version["SK"]["S"]
        state = version["state"]["S"]
        job = jobs.get(version["job_id"]["S"], {})
        ended = job.get("state", {}).get("S")
        if state == "ready":
            missing = {file for file in _digests(version) if file not in artifacts}
            if missing:
                found.append(f"{name} is ready without {missing}")
            if ended != "succeeded":
                found.append(f"{name} is ready, its job {ended}")
        elif state == "importing" and ended not in ("waiting", "running"):
            found.append(f"{name} is importing, its job {ended}")
        elif state == "failed" and ended == "succeeded":
            found.append(f"{name} is failed, its job {ended}")
    return found


def _wait_until_settled(at: Reach) -> dict[str, str]:
    """Jobs that neither end nor wait for a client, with their states."""
    until = time.monotonic() + SETTLED_SECONDS
    while True:
        objects = set(_keys(at, at.bucket, f"uploads/{TENANT}/"))
        going_on = {
            job["SK"]["S"]: job["state"]["S"]
            for job in at.jobs()
            if job["state"]["S"] == "running" or (job["state"]["S"] == "waiting" and _key(job) in objects)
        }
        if not going_on or time.monotonic() > until:
            return going_on
        time.sleep(0.2)


def _key(job: Json) -> str:
    return f"uploads/{TENANT}/{job['model']['S']}/{job['filename']['S']}"


def _keys(at: Reach, bucket: str, prefix: str) -> list[str]:
    pages = at.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    try:
        return [item["Key"] for page in pages for item in page.get("Contents", ())]
    except ClientError as error:
        raise RuntimeError(f"{bucket} can't be listed: {error}") from error


def _digests(value: Any) -> set[str]:
    """Every sha256 anywhere in an item, but a folder's own, which no artifact has."""
    if isinstance(value, list):
        return {digest for inner in value for digest in _digests(inner)}
    if not isinstance(value, dict):
        return set()
    if "path" in value and "sha256" in value:
        return {value["sha256"]["S"]}
    return {digest for inner in value.values() for digest in _digests(inner)}
