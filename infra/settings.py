"""What differs between stages, and the numbers that several functions must agree on."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays


@dataclass(frozen=True)
class Stage:
    """One deployment of everything. `keep_data` guards the table and the buckets against deletion with their stack."""

    name: str
    keep_data: bool
    log_retention: RetentionDays
    predict_memory_mb: int = 6144
    prediction_seconds: int = 20

    @property
    def model_memory_mb(self) -> int:
        """What a model may take of predict's memory: boto3, the requests and their answers need the rest."""
        return self.predict_memory_mb - 384

    @property
    def prefix(self) -> str:
        """What the names of this stage's stacks and functions begin with."""
        return f"aimass-{self.name}"

    @property
    def removal_policy(self) -> RemovalPolicy:
        return RemovalPolicy.RETAIN if self.keep_data else RemovalPolicy.DESTROY


STAGES = {
    "dev": Stage("dev", keep_data=False, log_retention=RetentionDays.ONE_WEEK),
    "prod": Stage("prod", keep_data=True, log_retention=RetentionDays.THREE_MONTHS),
}
