"""What imports and conversions work on."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING

from aimass.bootstrap import clients, resources, stores, tenancy

if TYPE_CHECKING:
    from aimass.adapters.aws.workflow import StepFunctionsImportRunner
    from aimass.usecases.collect_conversion import Collected
    from aimass.usecases.import_model import Import
    from aimass.usecases.order_conversion import Conversions
    from aimass.usecases.start_import import Imports


def imports() -> Imports:
    """All that starting an import takes."""
    from aimass.usecases.start_import import Imports

    return Imports(stores.registry(), stores.uploads(), import_runner(), tenancy.tenant_limits())


def import_step() -> Import:
    """What the heavy steps of an import work on."""
    from aimass.usecases.import_model import Import

    return Import(stores.registry(), stores.artifacts(), stores.artifact_index())


def conversions() -> Conversions:
    """All that ordering a conversion takes."""
    from aimass.usecases.order_conversion import Conversions, JobLimits

    limits = JobLimits(**json.loads(os.environ["CONVERSION_LIMITS"]))
    environments = frozenset(os.environ["CONVERTERS"].split())
    return Conversions(
        stores.registry(), stores.artifacts(), stores.conversion_files(), environments, _converter_remedy, limits
    )


def _converter_remedy(environment: str) -> str:
    if resources.machine_cores():
        return f"run `make convert-{environment}` and start the service again"
    return "who runs this service deploys it with the setting `cpu_jobs` on"


def collected() -> Collected:
    """All that collecting a conversion takes."""
    from aimass.usecases.collect_conversion import Collected

    return Collected(stores.registry(), stores.artifacts(), stores.conversion_files())


@cache
def import_runner() -> StepFunctionsImportRunner:
    """The import state machine."""
    from aimass.adapters.aws.workflow import StepFunctionsImportRunner

    return StepFunctionsImportRunner(clients.client("stepfunctions"), os.environ["IMPORT_STATE_MACHINE_ARN"])
