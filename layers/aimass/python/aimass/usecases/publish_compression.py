"""The last step of a compression: candidates that keep the budget become variants, and the report is kept.

A state, which may run twice. It reads what others left, opens no model itself, and changes the version at once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aimass.compression.names import NAME
from aimass.compression.recipe import digest_of
from aimass.compression.report.document import report_of
from aimass.compression.report.documents import documents_in
from aimass.compression.report.markup import LONGEST_TEXT, cut
from aimass.compression.report.page import page_of
from aimass.compression.result import of_lost_model, read, write
from aimass.compression.steps.folder import Folder
from aimass.domain.clock import now
from aimass.domain.compression import Compression
from aimass.domain.errors import Conflict, ConversionFailed, ImportRefused, InternalError, ModelTimeout
from aimass.domain.files import StoredFile
from aimass.domain.jobs import Job
from aimass.domain.leftovers import remove
from aimass.domain.model import Version
from aimass.domain.ports import ArtifactIndex, ArtifactStore, ModelRegistry, TenantLimits, WorkspaceFiles
from aimass.sandbox.limits import Limits
from aimass.usecases.compressed_variants import (
    Document,
    Proven,
    candidates_of,
    config_of,
    named,
    proven_names,
    with_variants,
    without,
)
from aimass.usecases.job_log import JobLog
from aimass.usecases.job_workspace import JobWorkspace, check_running
from aimass.usecases.prepare_compression import ready
from aimass.usecases.verify_candidate import MODEL, described_candidate, verify_candidate
from aimass.usecases.working_folder import working_folder

MOST_COMPRESSIONS = 20
_TOLD = ("asked.json", "planned.json", "prepared.json", "chosen.json")
_ABOUT = ("compressed.json", "evaluated.json", "repaired.json")
_FOLDER = "publish-"
_WORTH_A_TRY = 30.0  # seconds
_TRIES = 3


@dataclass(frozen=True)
class Publishing:
    """What the step works on. It may take `seconds`, and each model of them what `limits` say."""

    registry: ModelRegistry
    artifacts: ArtifactStore
    index: ArtifactIndex
    workspaces: WorkspaceFiles
    tenants: TenantLimits
    limits: Limits
    prediction_seconds: float
    seconds: float


@dataclass(frozen=True)
class Published:
    """`chosen` is the variant by its name, or None: the original is best left alone."""

    model: str
    version: int
    chosen: str | None
    variants: tuple[str, ...]


def published(registry: ModelRegistry, tenant: str, job_id: str) -> Published | None:
    """What an earlier run came to, of which only the answer was lost."""
    job = registry.get_job(tenant, job_id)
    if job.state != "succeeded":
        return None
    version = registry.get_version(tenant, job.model, job.version)
    found = [one for one in version.compressions if one.job_id == job_id]
    chosen, variants = (found[0].chosen, found[0].variants) if found else (None, ())
    return Published(job.model, job.version, chosen, variants)


def publish(at: Publishing, tenant: str, job_id: str, workspace: str) -> Published:
    """Verifies, stores and registers what keeps the budget. That nothing does is a success too.

    Raises Conflict when job or version moved, LimitExceeded, ArtifactBusy, InternalError.
    """
    job = at.registry.get_job(tenant, job_id)
    version = ready(at.registry.get_version(tenant, job.model, job.version))
    place = JobWorkspace(at.workspaces, workspace, job_id)
    with working_folder(_FOLDER) as folder:
        step = _Step(at, tenant, job, place, folder, JobLog(at.registry, tenant, job_id, job.attempt, "publish"))
        documents = step.documents(version)
        made, refused = step.proven(version, documents)
        told = {**documents, "chosen": without(documents["chosen"], refused)}
        return step.registered(told, made)


@dataclass(frozen=True)
class _Step:
    at: Publishing
    tenant: str
    job: Job
    files: JobWorkspace
    folder: Path
    log: JobLog

    def documents(self, version: Version) -> Document:
        """What the steps left in JSON. Raises InternalError where it is not whole."""
        told = Folder(self.folder / "told")
        self.files.fetch(_TOLD, told.root)
        verdicts = (read(told.chosen) or {}).get("verdicts", {})
        if odd := [name for name in verdicts if not NAME.fullmatch(name)]:
            raise InternalError(f"a candidate is called {odd[0][:80]!r}")
        self.files.fetch([f"candidates/{name}/{about}" for name in verdicts for about in _ABOUT], told.root)
        try:
            return documents_in(told, {"name": version.model, "version": version.number})
        except FileNotFoundError as error:
            raise InternalError(f"the workspace has no {error}") from error

    def proven(self, version: Version, documents: Document) -> tuple[list[Proven], dict[str, str]]:
        """Those that keep the budget, verified and stored, and why others are not."""
        names, began = proven_names(documents["chosen"]), time.monotonic()
        self.log.write(_counted(names, len(documents["chosen"]["verdicts"])))
        sample = self._sample(version)
        made: list[Proven] = []
        refused: dict[str, str] = {}
        for name in names:
            left = self.at.seconds - (time.monotonic() - began)
            try:
                if left < _WORTH_A_TRY:
                    raise ModelTimeout("there was no time left to verify it")
                made.append(self._verified(version, name, documents["candidates"][name]["compressed"], sample, left))
            except ImportRefused as error:
                refused[name] = error.message
                self.log.write(f"{name} is not published: {error.message}")
        return made, refused

    def _sample(self, version: Version) -> Path | None:
        if version.sample is None:
            return None
        sample = self.folder / "sample" / version.sample.path
        self.at.artifacts.fetch(self.tenant, version.sample, sample)
        return sample

    def _verified(
        self, version: Version, name: str, compressed: Document, sample: Path | None, seconds: float
    ) -> Proven:
        """Loaded and run as an import is. Raises ImportRefused kinds."""
        root = self._fetched(name, compressed)
        limits = replace(self.at.limits, seconds=min(self.at.limits.seconds, int(seconds)))
        try:
            made = verify_candidate(
                self.at.artifacts, self.tenant, version, name, root, sample, limits, self.at.prediction_seconds
            )
        finally:
            remove(root)  # the next may be as large
        self.log.write(described_candidate(made))
        return made

    def _fetched(self, name: str, compressed: Document) -> Path:
        """The folder of a candidate's model, which is the one that was measured."""
        names = [f"candidates/{name}/{file}" for file in MODEL]
        self.files.fetch(names, self.folder / "models")
        root = self.folder / "models" / "candidates" / name
        if not (root / MODEL[0]).is_file() or digest_of(root / MODEL[0]) != compressed["sha256"]:
            self._dropped(name, compressed)
            raise ConversionFailed("its model is not there as it was measured: compress the version again")
        return root

    def _dropped(self, name: str, compressed: Document) -> None:
        """What tells of a model that is another: without its key the next job makes the candidate anew."""
        check_running(self.at.registry, self.tenant, self.job.id, self.job.attempt)
        record = f"candidates/{name}/compressed.json"
        write(self.folder / "dropped" / record, of_lost_model(compressed))
        self.files.store([record], self.folder / "dropped")

    def registered(self, documents: Document, made: Sequence[Proven]) -> Published:
        """One transaction, tried again where the version changed for another reason. Raises Conflict."""
        tries = 0
        while True:
            before = self.at.registry.get_version(self.tenant, self.job.model, self.job.version)
            after, report = self._after(before, documents, made)
            self._refer(before, after)
            ended = replace(self.job, candidates=candidates_of(report))
            limits = self.at.tenants.limits_of(self.tenant)
            try:
                self.at.registry.register_compression(self.tenant, before, after, ended, limits)
            except Conflict:
                tries += 1
                if tries == _TRIES or not self._goes_on():
                    raise
            else:
                return self._told(after, report)

    def _goes_on(self) -> bool:
        job = self.at.registry.get_job(self.tenant, self.job.id)
        return (job.state, job.attempt) == ("running", self.job.attempt)

    def _after(self, before: Version, documents: Document, made: Sequence[Proven]) -> tuple[Version, Document]:
        """The version as it will be, and the report. Raises LimitExceeded."""
        names = named(made, before)
        report = report_of({**documents, "variants": names})
        entries = {one["name"]: one for one in report["candidates"]}
        configs = {
            name: config_of(entries[name], one["compressed"]["recipe"]["stages"], report, self.job.id)
            for name, one in documents["candidates"].items()
            if name in names
        }
        chosen = documents["chosen"]["chosen"]
        compression = Compression(
            self.job.id,
            now(),
            dict(report["budget"]["asked"]),
            report["asked"]["objective"],
            names[chosen] if chosen else None,
            cut(str(documents["chosen"]["reason"]), LONGEST_TEXT),
            tuple(names.values()),
            *self._kept(report),
        )
        after = replace(
            before,
            variants=with_variants(before, made, names, configs),
            compressions=(compression, *before.compressions)[:MOST_COMPRESSIONS],
            compressing=None,
        )
        return after, report

    def _kept(self, report: Document) -> tuple[StoredFile, StoredFile]:
        written, page = self.folder / "report.json", self.folder / "report.html"
        write(written, report)
        page.write_text(page_of(report), encoding="utf-8")
        put = self.at.artifacts.put_file
        return put(self.tenant, written.name, written), put(self.tenant, page.name, page)

    def _refer(self, before: Version, after: Version) -> None:
        """Comes first: a reference to what is not registered costs nothing, and what is registered is never without."""
        self.at.index.refer(self.tenant, after.model, after.number, after.digests)
        for sha256 in before.digests - after.digests:
            self.at.index.touch(self.tenant, sha256)  # whoever still serves the version as it was reads it a while

    def _told(self, after: Version, report: Document) -> Published:
        done = after.compressions[0]
        self.log.write(report["verdict"]["sentence"])
        if done.variants:
            self.log.write(
                f"version {after.number} of {after.model} has {', '.join(done.variants)};"
                f" it answers with {after.serving_variant} until its owner says otherwise"
            )
        return Published(after.model, after.number, done.chosen, done.variants)


def _counted(names: Sequence[str], count: int) -> str:
    told = f"{len(names)} of {count} candidates {'keeps' if len(names) == 1 else 'keep'} the budget"
    return f"{told}: {', '.join(names)}" if names else told
