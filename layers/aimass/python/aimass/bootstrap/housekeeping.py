"""What is done as it comes due."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aimass.bootstrap import clients, stores

if TYPE_CHECKING:
    from aimass.usecases.settle import House
    from aimass.usecases.sweep import Sweep


def house() -> House:
    """All that doing what comes due takes."""
    from aimass.adapters.aws.due import DynamoDueList
    from aimass.usecases.settle import House

    due = DynamoDueList(clients.client("dynamodb"), os.environ["TABLE_NAME"])
    return House(
        stores.registry(),
        stores.artifact_index(),
        stores.uploads(),
        due,
        stores.webhook_queue(),
        stores.prediction_files(),
    )


def sweep() -> Sweep:
    """All that a sweep of artifacts takes."""
    from aimass.adapters.aws.sweeper import DynamoSweepProgress, S3ArtifactSweeper
    from aimass.usecases.sweep import Sweep

    sweeper = S3ArtifactSweeper(clients.client("s3"), os.environ["ARTIFACTS_BUCKET"])
    progress = DynamoSweepProgress(clients.client("dynamodb"), os.environ["TABLE_NAME"])
    return Sweep(stores.registry(), stores.artifact_index(), sweeper, progress)
