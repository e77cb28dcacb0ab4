"""Findings of the security rules that stand, each with its reason, at the construct that they are about."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """`rule` as printed, without cdk-nag's pack: `S1`, one finding of it as `IAM5[Resource::*]`, or `@aws-cdk/...`."""
    known = rule if rule.startswith("@aws-cdk/") else f"AwsSolutions-{rule}"
    Validations.of(construct).acknowledge(Acknowledgment(id=known, reason=reason))
