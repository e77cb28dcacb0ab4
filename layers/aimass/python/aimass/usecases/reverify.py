"""Verifying a version again, as after an upgrade of the runtime: the import's own steps, from `verify` on."""

from __future__ import annotations

from typing import Any

import msgspec
from ulid import ULID

from aimass.domain.clock import now
from aimass.domain.errors import VersionNotReady
from aimass.domain.jobs import Failure, Job
from aimass.domain.model import Version
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel
from aimass.usecases.start_import import Imports, execution_input, execution_name


def request_verification(at: Imports, tenant: str, model: str, number: int) -> Job:
    """Starts a job that runs and measures the version anew; meanwhile, and if it fails, the version serves on.

    Raises ModelNotFound, VersionNotFound, VersionNotReady, LimitExceeded.
    """
    at.registry.get_model(tenant, model)
    version = at.registry.get_version(tenant, model, number)
    if version.state != "ready":
        raise VersionNotReady(
            f"version {number} of {model!r} is {version.state}; only a ready one is verified again",
            model=model,
            version=number,
            state=version.state,
        )
    job_id = str(ULID())
    execution = f"verify-{job_id}"
    job = Job(
        job_id, "verification", model, number, version.filename, "running", now(), step="verify", execution=execution
    )
    document = execution_input(tenant, job) | verification_input(version)
    at.registry.start_job(tenant, job, at.limits.limits_of(tenant))
    try:
        at.runner.start(execution_name(job), document)
    except Exception:
        at.registry.fail(tenant, job, Failure("verify", "not_started", "it could not be started; try again"))
        raise
    return job


def verification_input(version: Version) -> dict[str, Any]:
    """What `identify` and `collect_conversion` would hand on. With it the state machine begins at `verify`."""
    assert version.format is not None
    assert version.framework is not None
    assert version.source is not None
    identified = IdentifiedModel(
        version.format,
        version.framework,
        version.opset,
        version.parameter_count,
        version.source,
        version.variant().files,
    )
    document: dict[str, Any] = msgspec.to_builtins({"identified": identified, "converted": ConvertedModel(None)})
    return document
