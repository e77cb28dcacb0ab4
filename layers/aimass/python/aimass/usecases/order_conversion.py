"""The state before a conversion: an order is written for the job that converts, with all that it may reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from aimass.domain.conversion import BESIDE, DATA, MAIN
from aimass.domain.errors import ConverterMissing
from aimass.domain.files import StoredFile
from aimass.domain.jobs import Job
from aimass.domain.model import Version
from aimass.domain.ports import ArtifactStore, ConversionFiles, ModelRegistry
from aimass.usecases.conversion_progress import FOLDER, progress_names
from aimass.usecases.conversion_result import RESULT
from aimass.usecases.import_results import IdentifiedModel, OrderedConversion
from aimass.usecases.job_log import JobLog, described_files

ORDER = "order.json"
#: Longer than the state `convert` waits: a queue, and three attempts.
URL_SECONDS = 3 * 3600


@dataclass(frozen=True)
class JobLimits:
    """What the process that opens a model may use: its time, its memory and what its folder may hold."""

    seconds: int
    memory_mb: int
    disk_mb: int


@dataclass(frozen=True)
class Conversions:
    """What orders are made of. `environments` are those that convert here, `remedy` says how to have one more."""

    registry: ModelRegistry
    artifacts: ArtifactStore
    files: ConversionFiles
    environments: frozenset[str]
    remedy: Callable[[str], str]
    limits: JobLimits


def order_conversion(at: Conversions, tenant: str, job_id: str, identified: IdentifiedModel) -> OrderedConversion:
    """Writes the order of an attempt; a second call writes it anew. Raises ConverterMissing."""
    job = at.registry.get_job(tenant, job_id)
    version = at.registry.get_version(tenant, job.model, job.version)
    environment = _enabled(at, identified)
    folder = conversion_folder(tenant, job)
    order = _order(at, tenant, identified, version, folder)
    url = at.files.put_order(f"{folder}/{ORDER}", msgspec.json.encode(order), URL_SECONDS)
    log = JobLog(at.registry, tenant, job_id, job.attempt, "convert")
    log.write(f"{identified.format} goes to the environment {environment}: {described_files(identified.model)}")
    log.write("waiting for a place: the job is in the queue, in which tenants take turns")
    return OrderedConversion(url, folder)


def conversion_folder(tenant: str, job: Job) -> str:
    """Where an attempt's order, files and result lie."""
    return f"{FOLDER}/{tenant}/{job.id}/{job.attempt}"


def _enabled(at: Conversions, identified: IdentifiedModel) -> str:
    environment = str(identified.environment)
    if environment not in at.environments:
        raise ConverterMissing(
            f"{identified.format} is converted in the environment {environment!r}, which is not here: "
            f"{at.remedy(environment)}, then retry the job",
            format=identified.format,
            environment=environment,
            here=sorted(at.environments),
        )
    return environment


def _order(at: Conversions, tenant: str, identified: IdentifiedModel, version: Version, folder: str) -> dict[str, Any]:
    def given(file: StoredFile | None) -> dict[str, Any] | None:
        return _given(at.artifacts, tenant, file) if file else None

    files = identified.model
    main_first = sorted(files.files, key=lambda file: file.path != files.main)
    return {
        "conversion": {
            "format": identified.format,
            "environment": identified.environment,
            "facts": identified.facts,
        },
        "files": [given(file) for file in main_first],
        "beside": [given(file) for file in identified.beside],
        "sample": given(version.sample or identified.sample),
        "expected": None if version.sample else given(identified.expected),  # they belong to the sample beside them
        "limits": asdict(at.limits),
        "outputs": [
            {"name": name, "url": at.files.put_url(f"{folder}/{name}", URL_SECONDS)} for name in (MAIN, DATA, *BESIDE)
        ],
        "progress": [
            {"name": phase, "url": at.files.put_url(f"{folder}/{name}", URL_SECONDS)}
            for phase, name in progress_names().items()
        ],
        "result_url": at.files.put_url(f"{folder}/{RESULT}", URL_SECONDS),
    }


def _given(artifacts: ArtifactStore, tenant: str, file: StoredFile) -> dict[str, Any]:
    url = artifacts.download_url(tenant, file, URL_SECONDS)
    return {"path": file.path, "url": url, "size": file.size, "sha256": file.sha256}
