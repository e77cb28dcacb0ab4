"""What differs between stages, and the numbers that several functions must agree on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

GIB = 1024**3
CONVERTERS = ("trees", "torch", "tensorflow")  # environments that models are converted in
OWN_MB = 384  # what predict's process needs beside the model: boto3, the requests and their answers
PARENT_MB = 512  # what verify's process keeps of its memory, beside the sandbox
JOB_MB, JOB_MINUTES = 1024, 10  # what a job's own process keeps, and takes to fetch and to store


@dataclass(frozen=True)
class Tiers:
    """Memory of the predict functions, in MB: a version is served by the smallest that holds it."""

    small: int
    medium: int
    large: int


@dataclass(frozen=True)
class Limits:
    """What a tenant has unless its own record says otherwise. `jobs` are those at once; None is without limit."""

    bytes: int
    models: int
    jobs: int
    calls_per_second: int | None


@dataclass(frozen=True)
class Throttle:
    """Calls per second that the HTTP API lets through, over all tenants, and how many at a stroke."""

    rate: int
    burst: int


@dataclass(frozen=True)
class SandboxedJob:
    """A job that opens a model: the vCPUs and memory of its container, the time of one attempt, how many there are,
    and how long it may wait for a place before them.
    """

    vcpus: int = 4
    memory_gib: int = 30
    disk_gib: int = 100
    minutes: int = 40
    attempts: int = 3
    queued_minutes: int = 30

    @property
    def limits(self) -> str:
        """What the process that opens the model may use of it, as the function that orders the job reads it."""
        seconds, memory_mb = (self.minutes - JOB_MINUTES) * 60, self.memory_gib * 1024 - JOB_MB
        return json.dumps({"seconds": seconds, "memory_mb": memory_mb, "disk_mb": self.disk_gib * 1024 // 2})

    @property
    def waited_seconds(self) -> int:
        """From its submission to the end of its last attempt."""
        return (self.attempts * self.minutes + self.queued_minutes) * 60


@dataclass(frozen=True)
class Stage:
    """One deployment of everything. `keep_data` guards tables, buckets and key against deletion with their stack."""

    name: str
    keep_data: bool
    log_retention: RetentionDays
    tiers: Tiers
    limits: Limits
    rollout: Literal["ALL_AT_ONCE", "CANARY_10_PERCENT_5_MINUTES"]  # of CodeDeploy, for every function's new version
    origins: tuple[str, ...]  # whose web pages may call the API and put parts of uploads
    throttle: Throttle  # of a route that is in neither of the next two
    upload_throttle: Throttle
    predict_throttle: Throttle
    identify_memory_mb: int = 6144
    verify_memory_mb: int = 8192
    reserved_imports: int | None = None  # of identify, and of verify, at once; None leaves it to the account
    compress_memory_mb: int = 8192  # of each function that opens the model or the examples of a compression
    compress_large_mb: int = 128  # a model above is compressed in a job
    compress_at_once: int = 4  # candidates of one compression
    reserved_compressions: int | None = None  # of compress, and of evaluate, at once
    prediction_seconds: int = 20
    cpu_jobs: bool = False  # converts and compresses models, on Fargate: three interface endpoints, paid by the hour
    gpu_jobs: bool = False  # takes jobs on GPU instances: three endpoints more
    image_tag: str = "1"  # of the jobs' images, as cpu-1, gpu-1 and convert-trees-1
    conversions: SandboxedJob = field(default_factory=SandboxedJob)
    # A second attempt goes on from what the first has left.
    compressions: SandboxedJob = field(default_factory=lambda: SandboxedJob(minutes=120, attempts=2, queued_minutes=60))
    alarm_email: str | None = None  # who is told; SNS sends a link to confirm first
    monthly_budget_usd: int = 50  # a mail at 80 % and at all of it, for the whole account

    @property
    def model_memory_mb(self) -> int:
        """What a model may take: of the largest predict function, and of the one that verifies it."""
        return min(self.tiers.large - OWN_MB, self.verify_memory_mb - PARENT_MB)

    @property
    def default_limits(self) -> str:
        """A tenant's limits, as functions read them from their environment."""
        return json.dumps(asdict(self.limits))

    @property
    def prefix(self) -> str:
        """What the names of this stage's stacks and functions begin with."""
        return f"aimass-{self.name}"

    @property
    def jobs(self) -> str:
        """What the names of queues and job definitions begin with: the stack's own name."""
        return f"{self.prefix}-jobs"

    @property
    def removal_policy(self) -> RemovalPolicy:
        """What is kept is taken back all the same when the deployment that made it fails."""
        return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if self.keep_data else RemovalPolicy.DESTROY


STAGES = {
    "dev": Stage(
        "dev",
        keep_data=False,
        log_retention=RetentionDays.ONE_WEEK,
        tiers=Tiers(small=1769, medium=3008, large=6144),
        limits=Limits(bytes=50 * GIB, models=1000, jobs=50, calls_per_second=None),
        rollout="ALL_AT_ONCE",
        origins=("*",),
        throttle=Throttle(rate=50, burst=100),
        upload_throttle=Throttle(rate=20, burst=40),
        predict_throttle=Throttle(rate=200, burst=400),
    ),
    "prod": Stage(
        "prod",
        keep_data=True,
        log_retention=RetentionDays.THREE_MONTHS,
        tiers=Tiers(small=1769, medium=4096, large=10240),
        limits=Limits(bytes=100 * GIB, models=200, jobs=20, calls_per_second=100),
        rollout="CANARY_10_PERCENT_5_MINUTES",
        origins=(),
        throttle=Throttle(rate=200, burst=400),
        upload_throttle=Throttle(rate=50, burst=100),
        predict_throttle=Throttle(rate=2000, burst=4000),
        verify_memory_mb=10240,
        reserved_imports=50,
        compress_memory_mb=10240,
        reserved_compressions=20,
        monthly_budget_usd=500,
    ),
}
