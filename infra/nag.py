"""cdk-nag's AwsSolutions rules over the whole app. What they find stops the synthesis, unless it is acknowledged.

An acknowledgement stands in the construct that it is about, with its reason.
"""

from __future__ import annotations

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks


def check(app: App) -> None:
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
