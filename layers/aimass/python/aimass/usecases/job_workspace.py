"""A workspace as one job sees it: what it was asked, planned and chose is its own, all else is of whoever has the rows.

So a job that was cancelled, and whose state still runs, never decides what another one asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aimass.domain.errors import Conflict
from aimass.domain.ports import ModelRegistry, WorkspaceFiles

OWN = frozenset(("asked.json", "planned.json", "chosen.json"))
_JOBS = "jobs/"


class JobWorkspace:
    """Names are those of a step's folder; a job's own lie under `jobs/<job id>/` of the workspace."""

    def __init__(self, files: WorkspaceFiles, workspace: str, job_id: str) -> None:
        self._files, self._workspace, self._own = files, workspace, f"{_JOBS}{job_id}"

    def names(self) -> frozenset[str]:
        """What there is for this job."""
        found = self._files.names(self._workspace)
        own = {name.removeprefix(f"{self._own}/") for name in found if name.startswith(f"{self._own}/")}
        return frozenset({name for name in found if not name.startswith(_JOBS)} - OWN | own & OWN)

    def fetch(self, names: Iterable[str], folder: Path) -> list[str]:
        """Those that are there, of what all share first."""
        wanted = list(names)
        shared = self._files.fetch(self._workspace, [name for name in wanted if name not in OWN], folder)
        own = [name for name in wanted if name in OWN]
        return [*shared, *(self._files.fetch(self._of(own[0]), own, folder) if own else ())]

    def store(self, names: Iterable[str], folder: Path) -> None:
        """One after another, in that order."""
        for name in names:
            self._files.store(self._of(name), [name], folder)

    def get_url(self, name: str, seconds: int) -> str:
        return self._files.get_url(self._of(name), name, seconds)

    def put_url(self, name: str, seconds: int) -> str:
        return self._files.put_url(self._of(name), name, seconds)

    def _of(self, name: str) -> str:
        return f"{self._workspace}/{self._own}" if name in OWN else self._workspace


def check_running(registry: ModelRegistry, tenant: str, job_id: str, attempt: int) -> None:
    """Right before something is stored. Raises Conflict."""
    job = registry.get_job(tenant, job_id)
    if (job.state, job.attempt) != ("running", attempt):
        raise Conflict(f"attempt {attempt} of job {job_id} is not running", job_id=job_id)
