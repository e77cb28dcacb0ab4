"""`python -m infra.costs [--write]`: the tables of docs/operations/costs.md, from templates, settings and prices."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.settings import OWN_MB, STAGES, Stage
from infra.synth import TEMPLATES_ONLY, synthesize_cached

DOCUMENT = Path(__file__).parents[1] / "docs" / "operations" / "costs.md"
MARK = "<!-- python -m infra.costs -->\n"  # what follows it is ours
REGION, KNOWN_AS_OF = "eu-central-1", "January 2025"
HOURS = 730
SECONDS = HOURS * 3600
MILLION = 1_000_000
# Of one prediction, at most: a model's epoch and the version it stands for, read consistently; one in five is counted.
READS, COUNTED = 2, 0.2
LOG_BYTES = 1200  # the answer's line, Lambda's own three, the gateway's access line
HOP_MS = 9  # what the small tier takes to hand a call on (ADR 44)
BILLED_MS = (10, 50, 200, 1000)
POLLERS, POLL_SECONDS = 5, 20  # how Lambda reads a queue that is empty
SWEEP_SECONDS = 1
AUTHORIZE_GB, AUTHORIZE_SECONDS, AUTHORIZE_LOG_BYTES = 0.25, 0.01, 600  # of a call that the gateway has forgotten


@dataclass(frozen=True)
class Price:
    """US dollars for one `unit`; `page` is AWS's page that lists it."""

    usd: float
    unit: str
    page: str


PRICES = {
    "key": Price(1.0, "customer key and month", "aws.amazon.com/kms/pricing"),
    "key_request": Price(0.03 / 10_000, "request to KMS", "aws.amazon.com/kms/pricing"),
    "alarm": Price(0.10, "metric of an alarm and month", "aws.amazon.com/cloudwatch/pricing"),
    "custom_metric": Price(0.30, "custom metric and month", "aws.amazon.com/cloudwatch/pricing"),
    "dashboard": Price(3.0, "dashboard and month", "aws.amazon.com/cloudwatch/pricing"),
    "log_in": Price(0.63, "GB of log written", "aws.amazon.com/cloudwatch/pricing"),
    "log_kept": Price(0.0324, "GB of log and month", "aws.amazon.com/cloudwatch/pricing"),
    "snapshot": Price(0.0000015046, "GB of SnapStart cache and second", "aws.amazon.com/lambda/pricing"),
    "restore": Price(0.0001397998, "GB restored by SnapStart", "aws.amazon.com/lambda/pricing"),
    "compute": Price(0.0000166667, "GB-second of Lambda, x86", "aws.amazon.com/lambda/pricing"),
    "scratch": Price(0.0000000367, "GB-second of /tmp beyond 512 MB", "aws.amazon.com/lambda/pricing"),
    "invocation": Price(0.20 / MILLION, "invocation", "aws.amazon.com/lambda/pricing"),
    "call": Price(1.20 / MILLION, "call of the HTTP API, per 512 KB", "aws.amazon.com/api-gateway/pricing"),
    "read": Price(0.1525 / MILLION, "read of DynamoDB, 4 KB, consistent", "aws.amazon.com/dynamodb/pricing"),
    "write": Price(0.7625 / MILLION, "write of DynamoDB, 1 KB", "aws.amazon.com/dynamodb/pricing"),
    "items": Price(0.306, "GB in DynamoDB and month", "aws.amazon.com/dynamodb/pricing"),
    "pitr": Price(0.2448, "GB kept restorable and month", "aws.amazon.com/dynamodb/pricing"),
    "objects": Price(0.0245, "GB in S3 and month", "aws.amazon.com/s3/pricing"),
    "put": Price(0.0054 / 1000, "PUT to S3", "aws.amazon.com/s3/pricing"),
    "get": Price(0.00043 / 1000, "GET from S3", "aws.amazon.com/s3/pricing"),
    "message": Price(0.40 / MILLION, "request to SQS", "aws.amazon.com/sqs/pricing"),
    "transition": Price(0.025 / 1000, "transition of a state machine", "aws.amazon.com/step-functions/pricing"),
    "endpoint": Price(0.012, "interface endpoint and hour", "aws.amazon.com/privatelink/pricing"),
    "images": Price(0.10, "GB of images and month", "aws.amazon.com/ecr/pricing"),
    "vcpu": Price(0.04656, "vCPU and hour of Fargate", "aws.amazon.com/fargate/pricing"),
    "memory": Price(0.00511, "GB and hour of Fargate", "aws.amazon.com/fargate/pricing"),
}


@dataclass(frozen=True)
class Item:
    """A line of what a stage costs while nobody calls it: `count` of something, in dollars a month."""

    what: str
    count: float
    usd: float


def at_rest(resources: Sequence[dict[str, Any]]) -> list[Item]:
    """What these resources cost a month before anything is stored or called."""

    def of(kind: str) -> list[dict[str, Any]]:
        return [one.get("Properties", {}) for one in resources if one["Type"] == kind]

    watched = sum(_metrics(one) for one in of("AWS::CloudWatch::Alarm"))
    snapshots = [one["MemorySize"] / 1024 for one in of("AWS::Lambda::Function") if "SnapStart" in one]
    queues = [one for one in of("AWS::Lambda::EventSourceMapping") if "EventSourceArn" in one]
    endpoints = [one for one in of("AWS::EC2::VPCEndpoint") if one["VpcEndpointType"] == "Interface"]
    polls = len(queues) * POLLERS * SECONDS / POLL_SECONDS
    sweep = HOURS * (0.5 * SWEEP_SECONDS * _usd("compute") + _usd("invocation"))
    return [
        Item("customer key", len(of("AWS::KMS::Key")), len(of("AWS::KMS::Key")) * _usd("key")),
        Item("metrics under alarm", watched, watched * _usd("alarm")),
        Item("dashboard", 1, _usd("dashboard")),
        Item("SnapStart's cached snapshot, GB", sum(snapshots), sum(snapshots) * SECONDS * _usd("snapshot")),
        Item("reads of an empty queue", polls, polls * _usd("message")),
        Item("sweep, once an hour", HOURS, sweep),
        Item("interface endpoints", len(endpoints), len(endpoints) * HOURS * _usd("endpoint")),
    ]


def per_million(stage: Stage, tier: str, billed_ms: float) -> float:
    """Dollars for a million predictions that take `billed_ms` in their tier, a body of at most 512 KB each way."""
    memory_mb: int = getattr(stage.tiers, tier)
    one = _usd("call") + READS * _usd("read") + LOG_BYTES / 1e9 * _usd("log_in")
    if stage.limits.calls_per_second:
        one += COUNTED * _usd("write")
    one += _run(memory_mb, billed_ms, scratch=tier != "small")
    if tier != "small":
        one += _run(stage.tiers.small, billed_ms + HOP_MS, scratch=False)
    return one * MILLION


def key_in_use() -> float:
    """Dollars a month for the authorizer of a key that calls every minute: the gateway remembers its answer as long."""
    one = AUTHORIZE_GB * AUTHORIZE_SECONDS * _usd("compute") + _usd("invocation") + _usd("read")
    return HOURS * 60 * (one + AUTHORIZE_LOG_BYTES / 1e9 * _usd("log_in"))


def _run(memory_mb: int, billed_ms: float, *, scratch: bool) -> float:
    seconds = billed_ms / 1000
    disk = 9.5 * seconds * _usd("scratch") if scratch else 0.0
    return _usd("invocation") + memory_mb / 1024 * seconds * _usd("compute") + disk


def _metrics(alarm: dict[str, Any]) -> int:
    return sum("MetricStat" in one for one in alarm["Metrics"]) if "Metrics" in alarm else 1


def _usd(name: str) -> float:
    return PRICES[name].usd


def _resources(stage: Stage) -> list[dict[str, Any]]:
    assembly = synthesize_cached(context={**TEMPLATES_ONLY, "stage": stage.name})
    return [one for path in _templates(assembly) for one in json.loads(path.read_text())["Resources"].values()]


def _templates(assembly: Path) -> list[Path]:
    return sorted(assembly.glob("*.template.json"))


def tables() -> str:
    """The document's tables as Markdown."""
    return "\n".join([*_at_rest_table(), "", *_prediction_tables(), *_price_table()]) + "\n"


def _at_rest_table() -> Iterator[str]:
    yield "| at rest, a month | dev | USD | prod | USD |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    stages = [at_rest(_resources(stage)) for stage in STAGES.values()]
    for dev, prod in zip(*stages, strict=True):
        yield f"| {dev.what} | {_count(dev)} | {dev.usd:.2f} | {_count(prod)} | {prod.usd:.2f} |"
    totals = [sum(item.usd for item in items) for items in stages]
    yield f"| **together** | | **{totals[0]:.2f}** | | **{totals[1]:.2f}** |"


def _count(item: Item) -> str:
    return f"{item.count:,.2f}".removesuffix(".00")


def _prediction_tables() -> Iterator[str]:
    for stage in STAGES.values():
        yield (
            f"| {stage.name}: tier, memory | a model's measured memory up to | "
            + " | ".join(f"{ms} ms" for ms in BILLED_MS)
            + " |"
        )
        yield "| --- | ---: |" + " ---: |" * len(BILLED_MS)
        for tier in ("small", "medium", "large"):
            memory: int = getattr(stage.tiers, tier)
            cells = " | ".join(f"{per_million(stage, tier, ms):,.2f}" for ms in BILLED_MS)
            yield f"| {tier}, {memory:,} MB | {int((memory - OWN_MB) / 1.25):,} MB | {cells} |"
        yield ""


def _price_table() -> Iterator[str]:
    yield f"| US dollars, {REGION}, {KNOWN_AS_OF} | for one | page |"
    yield "| ---: | --- | --- |"
    for price in PRICES.values():
        million = price.usd < 0.0001 and price.unit.split()[0] in {"invocation", "call", "read", "write", "request"}
        shown = f"{price.usd * MILLION:.4g} / million" if million else f"{price.usd:.10f}".rstrip("0").rstrip(".")
        yield f"| {shown} | {price.unit} | {price.page} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m infra.costs")
    parser.add_argument("--write", action="store_true", help="into the document, in place of printing")
    if parser.parse_args().write:
        DOCUMENT.write_text(DOCUMENT.read_text().partition(MARK)[0] + MARK + tables())
    else:
        print(tables(), end="")
