"""What predictions as jobs, and their webhooks, work on."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aimass.bootstrap import stores, tenancy

if TYPE_CHECKING:
    from aimass.domain.jobs import Job
    from aimass.usecases.prediction_jobs import Predictions
    from aimass.usecases.run_prediction import Runs
    from aimass.usecases.webhooks import Deliveries


def _webhooks_may_stay_here() -> bool:
    """Whether a webhook may go to the machine itself, as on one machine alone."""
    return os.environ.get("WEBHOOK_LOOPBACK") == "true"


def predictions() -> Predictions:
    """All that asking for a prediction as a job takes."""
    from aimass.usecases.prediction_jobs import Predictions

    return Predictions(
        stores.registry(),
        stores.prediction_files(),
        tenancy.tenant_limits(),
        stores.webhook_secrets(),
        stores.webhook_queue(),
        _webhooks_may_stay_here(),
    )


def prediction_runs() -> Runs:
    """All that running a prediction job takes."""
    from aimass.usecases.run_prediction import Runs

    return Runs(stores.registry(), stores.prediction_files(), stores.webhook_queue())


def deliveries(view: Callable[[Job], dict[str, Any]]) -> Deliveries:
    """All that delivering a webhook takes; `view` makes the public record of a job."""
    from aimass.adapters.webhook_post import WebhookPost
    from aimass.usecases.webhooks import Deliveries

    return Deliveries(stores.registry(), stores.webhook_secrets(), WebhookPost(), view, _webhooks_may_stay_here())
