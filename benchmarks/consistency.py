"""Whether S3, the table and the processes agree, whatever was acknowledged."""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import ClientError

from benchmarks.reach import TENANT, Reach

SETTLED_SECONDS = 60.0
AGAIN_SECONDS = 2.0
# What a version's job may be, by the version's own state. A deleted one's was whatever it was.
JOBS_OF = {
    "ready": {"succeeded"},
    "importing": {"waiting", "running"},
    "failed": {"failed", "cancelled"},
    "deleted": {"succeeded", "failed", "cancelled"},
}
Json = dict[str, Any]


def contradictions(at: Reach) -> list[str]:
    """After everything that is going on has ended. What isn't read at one moment must be wrong twice."""
    stuck = _wait_until_settled(at)
    found = _disagreements(at)
    if found:
        time.sleep(AGAIN_SECONDS)
        found = [one for one in _disagreements(at) if one in found]
    return [*stuck, *found]


def _disagreements(at: Reach) -> list[str]:
    versions = list(at.versions())
    jobs = {job["SK"]["S"].removeprefix("JOB#"): job["state"]["S"] for job in at.jobs()}
    artifacts = {key.rsplit("/", 1)[-1] for key in _keys(at, at.artifacts, "artifacts/")}
    found = []
    for version in versions:
        name, state, job = version["SK"]["S"], version["state"]["S"], jobs.get(version["job_id"]["S"])
        if state == "ready":
            missing = {file for file in _digests(version) if file not in artifacts}
            if missing:
                found.append(f"{name} is ready without {missing}")
        if job not in JOBS_OF[state]:
            found.append(f"{name} is {state}, its job {job}")
    return found


def _wait_until_settled(at: Reach) -> list[str]:
    """Jobs that neither end nor wait for a client, and files that no job imports."""
    until = time.monotonic() + SETTLED_SECONDS
    while True:
        objects = set(_keys(at, at.bucket, f"uploads/{TENANT}/"))
        jobs = list(at.jobs())
        going_on = [
            f"{job['SK']['S']} stays {job['state']['S']}"
            for job in jobs
            if job["state"]["S"] == "running" or (job["state"]["S"] == "waiting" and _key(job) in objects)
        ]
        going_on += [f"{key} has no job" for key in objects - {_key(job) for job in jobs}]
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
