"""Every hour: what came due is done, and artifacts that nothing wants any more are deleted."""

from typing import Any

from aws_lambda_powertools import Logger

from aimass.bootstrap import housekeeping
from aimass.domain.clock import now
from aimass.usecases.settle import settle_due
from aimass.usecases.sweep import sweep_artifacts

SPARE_MILLISECONDS = 60_000
logger = Logger(level="INFO")


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Whatever the event, to how often each thing was done. What a run has no time for, the next does."""

    def has_time() -> bool:
        return bool(context.get_remaining_time_in_millis() > SPARE_MILLISECONDS)

    moment = now()
    house, sweep = housekeeping.house(), housekeeping.sweep()
    counts = settle_due(house, moment, has_time) + sweep_artifacts(sweep, moment, has_time)
    logger.info("swept", extra={"counts": dict(counts)})
    return dict(counts)
