"""The last step of an import, and of verifying a version again: what was found becomes the version's record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aimass.domain.clock import now
from aimass.domain.conversion import Conversion
from aimass.domain.errors import InvalidModel
from aimass.domain.model import TensorSpec, Variant, Version
from aimass.domain.ports import ArtifactIndex, ModelRegistry
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel, VerifiedModel
from aimass.usecases.job_log import JobLog

_NOTE = "optimized_note"


def register(
    registry: ModelRegistry,
    index: ArtifactIndex,
    tenant: str,
    job_id: str,
    identified: IdentifiedModel,
    converted: ConvertedModel,
    verified: VerifiedModel | None,
) -> Version:
    """Makes the version ready, or stored where nothing was verified, or its measurements new: the one commit point."""
    job = registry.get_job(tenant, job_id)
    before = registry.get_version(tenant, job.model, job.version)
    log = JobLog(registry, tenant, job_id, job.attempt, "register")
    if job.kind == "verification":
        assert verified is not None
        after = _verified_again(before, verified)
        _refer(index, tenant, before, after)
        registry.register_verification(tenant, before, after, job)
        log.write(f"version {after.number} of {after.model} has the new measurements")
    else:
        after = _registered(before, identified, converted, verified) if verified else _stored(before, identified)
        _refer(index, tenant, before, after)
        registry.register(tenant, after, job)
        log.write(f"version {after.number} of {after.model} is {after.state}")
    return after


def _refer(index: ArtifactIndex, tenant: str, before: Version, after: Version) -> None:
    """Comes first: a reference to what is not registered costs nothing, and what is registered is never without."""
    index.refer(tenant, after.model, after.number, after.digests)
    for sha256 in before.digests - after.digests:
        index.touch(tenant, sha256)  # whoever still serves the version as it was reads it a while longer


def _stored(reserved: Version, identified: IdentifiedModel) -> Version:
    """Kept as it came, with what its files say of it: what answers with it is yet to come."""
    return replace(
        reserved,
        state="stored",
        ready_at=now(),
        source=identified.source,
        sample=reserved.sample or identified.sample,
        kept=identified.model,
        format=identified.format,
        framework=identified.framework,
        parameter_count=identified.parameter_count,
        facts=identified.facts,
    )


def _registered(
    reserved: Version, identified: IdentifiedModel, converted: ConvertedModel, verified: VerifiedModel
) -> Version:
    original = Variant(
        name="original",
        compressed=None,
        pruned=False,
        config=_config({}, verified),
        files=converted.model or identified.model,
        optimized=verified.optimized,
        measurements=verified.measurements,
    )
    moment = now()
    return replace(
        reserved,
        state="ready",
        ready_at=moment,
        verified_at=moment,
        source=identified.source,
        sample=reserved.sample or identified.sample or converted.sample,
        format=identified.format,
        framework=converted.conversion.framework if converted.conversion else identified.framework,
        opset=verified.opset or identified.opset,
        parameter_count=verified.parameter_count or identified.parameter_count,
        facts=identified.facts,
        conversion=_noted(converted.conversion, verified.notes),
        inputs=verified.inputs,
        outputs=verified.outputs,
        variants=(original,),
        description=verified.description,
        described=verified.described,
        assets=verified.assets,
        raw_scores=verified.raw_scores,
        own_classes=_own_classes(identified, converted, verified),
    )


def _noted(conversion: Conversion | None, notes: tuple[str, ...]) -> Conversion | None:
    return replace(conversion, notes=(*notes, *conversion.notes)) if conversion and notes else conversion


def _own_classes(
    identified: IdentifiedModel, converted: ConvertedModel, verified: VerifiedModel
) -> tuple[str, ...] | None:
    """As the ONNX graph shows them, else as the converter named them."""
    shown = verified.own_classes if converted.model else identified.own_classes
    return shown if shown is not None else converted.labels or None


def _verified_again(before: Version, verified: VerifiedModel) -> Version:
    """The same version with what was measured now. Raises InvalidModel when the runtime sees another signature."""
    if _signature(before.inputs, before.outputs) != _signature(verified.inputs, verified.outputs):
        raise InvalidModel(
            "the runtime now sees other inputs or outputs than those that the version was registered with"
        )
    original = before.variant()
    renewed = replace(
        original,
        config=_config(original.config, verified),
        optimized=verified.optimized,
        measurements=verified.measurements,
    )
    variants = tuple(renewed if variant is original else variant for variant in before.variants)
    return replace(before, variants=variants, verified_at=now(), verification_failure=None)


def _signature(*specs: tuple[TensorSpec, ...]) -> list[list[tuple[str, str]]]:
    return [[(spec.name, spec.onnx_type) for spec in one] for one in specs]


def _config(before: dict[str, Any], verified: VerifiedModel) -> dict[str, Any]:
    kept = {name: value for name, value in before.items() if name != _NOTE}
    return kept | ({_NOTE: verified.optimized_note} if verified.optimized_note else {})


def is_registered(registry: ModelRegistry, tenant: str, job_id: str) -> bool:
    """Whether an earlier run of `register` went through and only its answer was lost."""
    return registry.get_job(tenant, job_id).state == "succeeded"
