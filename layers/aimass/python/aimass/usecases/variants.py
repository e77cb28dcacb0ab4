"""A version's variants: which of them answers, and those that are no longer wanted."""

from __future__ import annotations

from dataclasses import replace

from aimass.domain.errors import CompressionRunning, InvalidArguments, VariantNotFound, VariantServing, VersionNotReady
from aimass.domain.model import ORIGINAL, Version
from aimass.domain.ports import ArtifactIndex, ModelRegistry
from aimass.usecases.versions import described, get_version

_SERVING = "serving_variant"


def change_version(
    registry: ModelRegistry, tenant: str, model: str, number: int, changes: dict[str, object]
) -> Version:
    """Changes what is given of `label`, `notes`, `tags` and `serving_variant`; where one is refused, none of them.

    Raises ModelNotFound, VersionNotFound, VersionNotReady, InvalidArguments, Conflict.
    """
    version = get_version(registry, tenant, model, number)
    told = described(version, {name: value for name, value in changes.items() if name != _SERVING})
    if _SERVING in changes:
        told = replace(told, serving_variant=_servable(version, str(changes[_SERVING])))
    if told != version:
        registry.describe_version(tenant, version, told)
    return told


def remove_variant(
    registry: ModelRegistry, index: ArtifactIndex, tenant: str, model: str, number: int, name: str
) -> None:
    """Takes a compressed variant from a version; its artifacts are free to be swept.

    Raises ModelNotFound, VersionNotFound, VersionNotReady, VariantNotFound, InvalidArguments for the original,
    VariantServing, CompressionRunning, Conflict.
    """
    before = get_version(registry, tenant, model, number)
    _require_ready(before, "has variants")
    _check_removable(registry, tenant, before, name)
    after = replace(before, variants=tuple(one for one in before.variants if one.name != name))
    unused = before.digests - after.digests
    for sha256 in unused:
        index.touch(tenant, sha256)  # whoever still has the version as it was reads it a while longer
    registry.remove_variant(tenant, before, after)
    index.unrefer(tenant, model, number, unused)


def _servable(version: Version, name: str) -> str:
    """The variant that will answer where a call names none.

    Raises InvalidArguments naming the variants that there are, VersionNotReady where there can be none.
    """
    _require_ready(version, "answers with a variant")
    if name not in {variant.name for variant in version.variants}:
        raise InvalidArguments.of_fields({_SERVING: _unknown(version, name)})
    return name


def _check_removable(registry: ModelRegistry, tenant: str, version: Version, name: str) -> None:
    if name == ORIGINAL:
        raise InvalidArguments.of_fields({"variant": "the original stays; delete the version instead"})
    if name not in {variant.name for variant in version.variants}:
        raise VariantNotFound(_unknown(version, name), model=version.model, version=version.number)
    if version.serving_variant == name:
        raise VariantServing(
            f"version {version.number} of {version.model!r} answers with {name!r}; "
            f"set its serving_variant to another one, such as {ORIGINAL!r}, first",
            version=version.number,
            variant=name,
        )
    # Its last step may be about to find the variant there and keep it.
    if version.compressing and not registry.get_job(tenant, version.compressing).finished_at:
        raise CompressionRunning(
            f"version {version.number} of {version.model!r} is being compressed by job {version.compressing}; "
            "remove the variant once that has ended",
            job_id=version.compressing,
        )


def _require_ready(version: Version, what: str) -> None:
    if version.state != "ready":
        raise VersionNotReady(
            f"version {version.number} of {version.model!r} is {version.state}; only a ready one {what}",
            version=version.number,
            state=version.state,
        )


def _unknown(version: Version, name: str) -> str:
    there_are = ", ".join(repr(variant.name) for variant in version.variants)
    return f"version {version.number} has no variant {name[:80]!r}; there are: {there_are}"
