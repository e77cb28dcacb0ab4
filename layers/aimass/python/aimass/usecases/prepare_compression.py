"""The first step of a compression: examples and the model become a workspace, where all other steps find them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from aimass.compression.steps.files import prepare_files
from aimass.domain.compression import CompressionCall
from aimass.domain.errors import InvalidArguments, InvalidModel, VersionNotReady
from aimass.domain.files import StoredFile
from aimass.domain.jobs import Job, SourceFile
from aimass.domain.model import Version
from aimass.domain.ports import ArtifactStore, ExampleFiles, ModelRegistry, WorkspaceFiles
from aimass.formats.description_document import encoded
from aimass.sandbox.limits import Limits
from aimass.sandbox.paths import files_within
from aimass.sandbox.prepare import Given, Prepared, prepare_folder
from aimass.usecases.examples import listed
from aimass.usecases.job_log import JobLog
from aimass.usecases.job_workspace import JobWorkspace, check_running
from aimass.usecases.working_folder import working_folder

FOLDER = "compression-"
_MOST_JSON = 16 << 20


@dataclass(frozen=True)
class Preparation:
    """What preparing works on."""

    registry: ModelRegistry
    artifacts: ArtifactStore
    examples: ExampleFiles
    workspaces: WorkspaceFiles
    limits: Limits


@dataclass(frozen=True)
class PreparedCompression:
    """Where all other states find what they need."""

    workspace: str


def prepare(at: Preparation, tenant: str, job_id: str) -> PreparedCompression:
    """Reads the examples as the version's inputs and leaves them in the workspace, in parts that share no row.

    Raises InvalidArguments for examples that are wrong, too large, or too few for the budget, and what a child does.
    """
    job = at.registry.get_job(tenant, job_id)
    version = ready(at.registry.get_version(tenant, job.model, job.version))
    call, log = job.compression or CompressionCall(), JobLog(at.registry, tenant, job_id, job.attempt, "prepare")
    examples = _examples(at.examples, tenant, call)
    log.write(_described_examples(examples))
    with working_folder(FOLDER) as folder:
        given = _fetched(at, tenant, version, examples, folder)
        prepared = prepare_folder(folder, given, version, call, at.limits)
        for line in _described(prepared, call):
            log.write(line)
        workspace = _workspace(tenant, job, version, prepared)
        check_running(at.registry, tenant, job_id, job.attempt)
        _store(at.workspaces, workspace, job_id, folder)
    return PreparedCompression(workspace)


def ready(version: Version) -> Version:
    """The version, which may have been deleted since its compression was asked for. Raises VersionNotReady."""
    if version.state != "ready":
        told = f"version {version.number} of {version.model!r} is {version.state}: it is not compressed"
        raise VersionNotReady(told, model=version.model, version=version.number, state=version.state)
    return version


def _examples(files: ExampleFiles, tenant: str, call: CompressionCall) -> Sequence[SourceFile]:
    """As they are now. Nothing was fetched yet."""
    if call.examples is None:
        return ()
    found = [one for one in listed(files, tenant, call.examples) if not one.path.endswith("/")]
    if not found:
        raise _wrong(f"no file lies in data/{tenant}/{call.examples}/")
    return found


def _wrong(what: str) -> InvalidArguments:
    return InvalidArguments.of_fields({"data": what})


def _fetched(at: Preparation, tenant: str, version: Version, examples: Sequence[SourceFile], folder: Path) -> Given:
    model = version.variant().files
    for file in model.files:
        _fetch(at.artifacts, tenant, file, folder / "source" / file.path)
    assets = {file.path: f"assets/{number}" for number, file in enumerate(version.assets)}
    for file in version.assets:
        _fetch(at.artifacts, tenant, file, folder / assets[file.path])
    sample = None
    if version.sample and not examples:
        sample = f"sample/{version.sample.path}"
        _fetch(at.artifacts, tenant, version.sample, folder / sample)
    for example in examples:
        at.examples.download(example, _place(folder / "data", example.path))
    return Given(f"source/{model.main}", "data" if examples else None, sample, assets)


def _fetch(artifacts: ArtifactStore, tenant: str, file: StoredFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    artifacts.fetch(tenant, file, target)


def _place(root: Path, named: str) -> Path:
    """Where a file of that path goes: any S3 client may have named it."""
    path = PurePosixPath(named)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise _wrong(f"{named!r} is not a path inside the folder")
    target = root / path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch(exist_ok=False)
    except (OSError, ValueError):
        raise _wrong(f"{named[:200]!r} can't be kept as a file beside the others: give it another name") from None
    return target


def _workspace(tenant: str, job: Job, version: Version, prepared: Prepared) -> str:
    """The same model, rows and description find what was left there before, whatever the budget is."""
    about = [version.variant().files.sha256, prepared.digest, list(version.labels)]
    digest = hashlib.sha256(json.dumps(about).encode() + encoded(version.description)).hexdigest()
    return f"compressions/{tenant}/{job.model}/{job.version}/{digest[:32]}"


def _store(workspaces: WorkspaceFiles, workspace: str, job_id: str, folder: Path) -> None:
    """The JSON last, and what it tells of only where that is not there already.

    All that jobs share begins its week anew with each: the last thing to be put would outlive what it tells of.
    """
    names = files_within(folder, [name for name in prepare_files().leaves if (folder / name).exists()])
    told = [name for name in names if name.endswith(".json")]
    if any((folder / name).stat().st_size > _MOST_JSON for name in told):
        raise InvalidModel("what is known of the examples takes too much room")
    place, before = JobWorkspace(workspaces, workspace, job_id), folder / "before"
    workspaces.renew(workspace)
    place.fetch(["prepared.json"], before)
    known = _contents(before / "prepared.json")
    there = place.names() if known is not None and known == _contents(folder / "prepared.json") else frozenset()
    place.store([name for name in names if name not in told and name not in there], folder)
    place.store(told, folder)


def _contents(path: Path) -> Any:
    """What `prepared.json` says of the files beside it."""
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        document = json.loads(path.read_bytes())
        return document["model"], document["parts"]
    return None


def _described_examples(examples: Sequence[SourceFile]) -> str:
    if not examples:
        return "no examples: rows are made up"
    count = len(examples)
    return f"examples: {count} {'file' if count == 1 else 'files'} with {sum(one.size for one in examples)} bytes"


def _described(prepared: Prepared, call: CompressionCall) -> list[str]:
    parts = prepared.parts
    budget = ", ".join(f"{name} {value:g}" for name, value in prepared.budget.items())
    read = f"made up {prepared.used} rows" if prepared.made_up else f"read {prepared.seen} rows, {prepared.used} used"
    labels = f"labels: {prepared.labels}" if prepared.labels else "no labels"
    lines = [
        f"{read}, {labels}: {parts['calibration']} for calibration, {parts['choosing']} for choosing,"
        f" {parts['held_out']} held out",
        f"budget: {budget}" if call.budget else f"budget: {budget}, as none was given",
    ]
    if prepared.made_up:
        lines.append("note: made-up rows prove nothing: what changes no answer can be chosen, the rest is measured")
    return lines + [f"note: {note}" for note in prepared.notes]
