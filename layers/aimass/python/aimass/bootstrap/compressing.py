"""What compressions work on."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from aimass.bootstrap import clients, importing, resources, stores, tenancy

if TYPE_CHECKING:
    from aimass.adapters.aws.workflow import StepFunctionsImportRunner
    from aimass.domain.jobs import Job
    from aimass.usecases.compression_steps import Steps
    from aimass.usecases.compressions import Compressions
    from aimass.usecases.order_compression import LargeCompressions
    from aimass.usecases.prepare_compression import Preparation
    from aimass.usecases.publish_compression import Publishing
    from aimass.usecases.start_import import Imports

_PUBLISH_SECONDS = 720.0  # to verify and pack variants, of the 900 that a function has


@cache
def compression_runner() -> StepFunctionsImportRunner:
    """The state machine of compressions."""
    from aimass.adapters.aws.workflow import StepFunctionsImportRunner

    return StepFunctionsImportRunner(clients.client("stepfunctions"), os.environ["COMPRESSION_STATE_MACHINE_ARN"])


def compressions() -> Compressions:
    """All that asking for a compression, and starting it, takes."""
    from aimass.usecases.compressions import Compressions

    return Compressions(stores.registry(), stores.examples(), compression_runner(), tenancy.tenant_limits())


def control_of(job: Job) -> Imports:
    """All that ending a job, or running it again, takes."""
    at = importing.imports()
    return replace(at, runner=compression_runner()) if job.kind == "compression" else at


def large_compressions() -> LargeCompressions:
    """All that ordering a large model's compression takes."""
    from aimass.usecases.order_compression import LargeCompressions
    from aimass.usecases.order_conversion import JobLimits

    limits, here = JobLimits(**json.loads(os.environ["COMPRESSION_LIMITS"])), bool(os.environ["COMPRESSORS"])
    return LargeCompressions(stores.registry(), stores.workspaces(), stores.conversion_files(), here, limits)


def preparation() -> Preparation:
    """All that preparing a compression takes."""
    from aimass.usecases.prepare_compression import Preparation

    return Preparation(
        stores.registry(), stores.artifacts(), stores.examples(), stores.workspaces(), resources.compress_limits()
    )


def compression_steps() -> Steps:
    """All that the steps of a compression take, from `plan` to `choose`."""
    from aimass.usecases.compression_steps import Steps

    return Steps(stores.registry(), stores.workspaces(), resources.compress_limits())


def publishing() -> Publishing:
    """All that publishing a compression takes."""
    from aimass.usecases.publish_compression import Publishing

    return Publishing(
        stores.registry(),
        stores.artifacts(),
        stores.artifact_index(),
        stores.workspaces(),
        tenancy.tenant_limits(),
        resources.verify_limits(),
        resources.prediction_seconds(),
        _PUBLISH_SECONDS,
    )
