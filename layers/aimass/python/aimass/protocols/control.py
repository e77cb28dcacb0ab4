"""The control plane's JSON: what a caller sees of versions, jobs and aliases, in the mission's field names."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import msgspec

from aimass.domain.compression import AUTO, Compression, CompressionCall
from aimass.domain.conversion import Conversion
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.jobs import Job, LogLine, StepTime
from aimass.domain.model import Alias, AliasMove, Model, Variant, Version, VersionSummary
from aimass.domain.ports import ArtifactStore
from aimass.domain.tenants import Limits, Usage
from aimass.formats.description_document import document_of
from aimass.usecases.download import URL_SECONDS, ZSTD, packed_view

View = dict[str, Any]
_GOES_ON = {"waiting", "compressing", "evaluating", "evaluated"}  # of a candidate, until its job has ended


def version_view(tenant: str, version: Version, artifacts: ArtifactStore) -> View:
    """A version's record; one that is not ready has its state, and its failure, and no measurements yet."""
    view: View = {
        "name": version.model,
        "version": version.number,
        "state": "purged" if version.deleted and version.deleted.is_purged else version.state,
        "timestamp": version.ready_at or version.created_at,
        "created_at": version.created_at,
        "filename": version.filename,
        "label": version.label,
        "labels": list(version.class_names),
        "notes": version.notes,
        "tags": version.tags,
        "aliases": sorted(version.held_by),
        "job_id": version.job_id,
    }
    if version.failure:
        view["error"] = msgspec.to_builtins(version.failure)
    if version.deleted:
        view["deleted"] = {"at": version.deleted.at, "purge_at": version.deleted.purge_at}
    if version.state == "stored" and version.kept:
        return view | _stored_view(tenant, version, version.kept, artifacts)
    if version.state != "ready":
        return view
    views = [_variant_view(tenant, variant, artifacts) for variant in version.variants]
    return (
        view
        | {name: value for name, value in views[0].items() if name not in {"variant", "packed", "stored_size"}}
        | {
            "serving_variant": version.serving_variant,
            "format": version.format,
            "framework": version.framework,
            "opset": version.opset,
            "parameter_count": version.parameter_count,
            "facts": version.facts,
            "conversion": conversion_view(version.conversion) if version.conversion else None,
            "inputs": msgspec.to_builtins(version.inputs),
            "outputs": msgspec.to_builtins(version.outputs),
            "source": _files_view(tenant, version.source, artifacts) if version.source else None,
            "sample": _sample_view(version.sample) if version.sample else None,
            "description": description_view(version) if version.description else None,
            "verified_at": version.verified_at or version.ready_at,
            "verification_error": msgspec.to_builtins(version.verification_failure),
            "variants": views,
        }
    )


def _stored_view(tenant: str, version: Version, kept: ModelFiles, artifacts: ArtifactStore) -> View:
    """What is known of a version that is kept as it came: nothing has run it."""
    return _files_view(tenant, kept, artifacts) | {
        "format": version.format,
        "framework": version.framework,
        "parameter_count": version.parameter_count,
        "facts": version.facts,
        "source": _files_view(tenant, version.source, artifacts) if version.source else None,
        "variants": [],
    }


def conversion_view(conversion: Conversion) -> View:
    """How a version came to be ONNX, and how near its answers are to its original's."""
    view: View = msgspec.to_builtins(conversion)
    return view


def description_view(version: Version) -> View:
    """A ready version's model description as its document, all filled in; `inferred` names what nobody wrote."""
    return document_of(version.description, version.labels)


def _sample_view(sample: StoredFile) -> View:
    return {"path": sample.path, "sha256": sample.sha256, "size": sample.size}


def _variant_view(tenant: str, variant: Variant, artifacts: ArtifactStore) -> View:
    files = variant.files.files
    return {
        "variant": variant.name,
        "packed": ZSTD if any(file.packed for file in files) else None,
        "stored_size": sum(file.stored_size for file in files),
        "compressed": variant.compressed,
        "pruned": variant.pruned,
        "config": variant.config,
        **_files_view(tenant, variant.files, artifacts),
        "measurements": msgspec.to_builtins(variant.measurements),
    }


def _files_view(tenant: str, files: ModelFiles, artifacts: ArtifactStore) -> View:
    main = next(file for file in files.files if file.path == files.main)
    return {
        "size": files.size,
        "sha256": files.sha256,
        "path": artifacts.uri(tenant, main.artifact),
        "files": [
            {"path": file.path, "size": file.size, "sha256": file.sha256, "uri": artifacts.uri(tenant, file.artifact)}
            | packed_view(file)
            for file in files.files
        ],
    }


def version_summary(version: VersionSummary) -> View:
    """A version as a list shows it."""
    return {
        "version": version.number,
        "state": version.state,
        "label": version.label,
        "notes": version.notes,
        "tags": version.tags,
        "aliases": sorted(version.held_by),
        "timestamp": version.ready_at or version.created_at,
        "size": version.size,
        "variants": list(version.variant_names),
        "serving_variant": version.serving_variant if version.variant_names else None,
        "error": msgspec.to_builtins(version.failure),
        "purge_at": version.deleted.purge_at if version.deleted else None,
    }


def model_view(model: Model) -> View:
    """A model as a list shows it."""
    return {
        "name": model.name,
        "description": model.description,
        "tags": model.tags,
        "created_at": model.created_at,
        "last_version": model.last_version,
        "purge_at": model.deleted.purge_at if model.deleted else None,
    }


def alias_view(alias: Alias) -> View:
    """An alias, with the revision that its next move may be conditional on."""
    return {
        "model": alias.model,
        "alias": alias.name,
        "version": alias.version,
        "revision": alias.revision,
        "updated_at": alias.updated_at,
    }


def move_view(move: AliasMove) -> View:
    """One move of an alias; without a version it was removed."""
    return {
        "model": move.model,
        "alias": move.name,
        "version": move.version,
        "revision": move.revision,
        "moved_at": move.moved_at,
        "restores": move.restores,
    }


def limits_view(limits: Limits, usage: Usage) -> View:
    """What a tenant may have, and what it has."""
    return {"limits": msgspec.to_builtins(limits), "used": msgspec.to_builtins(usage)}


def log_view(line: LogLine) -> View:
    """One line of a job's log."""
    view: View = msgspec.to_builtins(line)
    return view


def compression_view(tenant: str, compression: Compression, artifacts: ArtifactStore) -> View:
    """How a compression of a version ended."""
    asked = {"job_id": compression.job_id, "at": compression.at, "budget": compression.budget}
    return asked | {"objective": compression.objective} | compression_result(tenant, compression, artifacts)


def compression_result(tenant: str, compression: Compression, artifacts: ArtifactStore) -> View:
    """What a compression came to; the report can be fetched for an hour."""
    files = {"json": compression.report, "html": compression.page}
    return {
        "chosen": compression.chosen,
        "reason": compression.reason,
        "variants": list(compression.variants),
        "report": {kind: artifacts.download_url(tenant, file, URL_SECONDS) for kind, file in files.items()},
    }


def _asked_view(call: CompressionCall) -> View:
    """What a compression was asked for, as it is written in the request."""
    data = None
    if call.filename is not None:
        data = {"size": call.size, "filename": call.filename}
    elif call.examples is not None:
        data = {"prefix": call.examples} | ({"files": call.files} if call.files else {})
    return {
        "budget": call.budget,
        "data": data,
        "methods": AUTO if call.methods is None else list(call.methods),
        "target": call.target,
        "objective": call.objective,
    }


def _candidates_view(job: Job) -> View:
    """By name. Of a job that ended without a verdict none goes on."""
    found: View = msgspec.to_builtins(job.candidates)
    if job.finished_at and job.state != "succeeded":
        ended = "cancelled" if job.state == "cancelled" else "not finished"
        found = {name: one | ({"state": ended} if one["state"] in _GOES_ON else {}) for name, one in found.items()}
    return found


def _steps(job: Job) -> list[View]:
    """Each step of each attempt once, from when it was first entered: several states are of one step, or run twice."""
    first = {(one.attempt, one.step): one for one in reversed(job.steps)}
    entered = sorted(first.values(), key=job.steps.index)
    return [_step(job, one, after) for one, after in zip_longest(entered, entered[1:])]


def _step(job: Job, entered: StepTime, after: StepTime | None) -> View:
    """The last has the job's own state, unless that is another attempt's."""
    if after and after.attempt == entered.attempt:
        state: str = "succeeded"
    else:
        state = entered.ended or ("unfinished" if after or entered.attempt < job.attempt else job.state)
    return {"step": entered.step, "started_at": entered.started_at, "attempt": entered.attempt, "state": state}


def job_view(job: Job, answer_url: str | None = None) -> View:
    """A job's state, step, times and error.

    Of a prediction its answer too, and where to fetch it for an hour; of a compression what was asked, and candidates.
    """
    view: View = {
        "job_id": job.id,
        "kind": job.kind,
        "model_name": job.model,
        "version": job.version or None,
        "filename": job.filename,
        "state": job.state,
        "step": job.step,
        "attempt": job.attempt,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "steps": _steps(job),
        "error": msgspec.to_builtins(job.error),
    }
    if job.call:
        view |= {"expires_at": job.call.expires_at, "webhook": job.call.webhook, "result": None}
    if job.answer:
        answer = job.answer
        view["result"] = {"status": answer.status, "size": answer.size, "headers": answer.headers}
        view["result"]["content_type"] = answer.headers.get("content-type", "")
        view["result"] |= {"url": answer_url} if answer_url else {}
    if job.compression:
        view |= {"compression": _asked_view(job.compression), "candidates": _candidates_view(job)}
    return view
