"""Where a version's files can be downloaded."""

from __future__ import annotations

from typing import Any

from aimass.domain.clock import later, now
from aimass.domain.errors import InvalidArguments, VersionNotReady
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.model import ORIGINAL, Version
from aimass.domain.ports import ArtifactStore, ModelRegistry
from aimass.usecases.versions import get_version

URL_SECONDS = 3600
SOURCE = "source"
ZSTD = "zstd"


def downloads(
    registry: ModelRegistry, artifacts: ArtifactStore, tenant: str, model: str, number: int, variant: str
) -> dict[str, Any]:
    """A presigned URL for each file of a variant, good for an hour; of a stored version, for each that it keeps.

    The variant `source` is what was uploaded, as it came; a packed file is to be unpacked by whoever fetches it.
    Raises VersionNotReady, InvalidArguments.
    """
    version = get_version(registry, tenant, model, number)
    if version.state not in {"ready", "stored"}:
        raise VersionNotReady(f"version {number} of {model!r} is {version.state}", version=number, state=version.state)
    files = _files(version, variant)
    return {
        "name": model,
        "version": number,
        "variant": variant,
        "main": files.main,
        "expires_at": later(now(), seconds=URL_SECONDS),
        "files": [
            {
                "path": file.path,
                "size": file.size,
                "sha256": file.sha256,
                "url": artifacts.download_url(tenant, file, URL_SECONDS),
            }
            | packed_view(file)
            for file in files.files
        ],
    }


def packed_view(file: StoredFile) -> dict[str, Any]:
    """How a packed file is stored; nothing of others."""
    if file.packed is None:
        return {}
    return {"packed": ZSTD, "stored_size": file.packed.size, "stored_sha256": file.packed.sha256}


def _files(version: Version, variant: str) -> ModelFiles:
    if version.source and variant == SOURCE:
        return version.source
    if version.kept and variant == ORIGINAL:
        return version.kept
    try:
        return version.variant(variant).files
    except KeyError:
        names = ", ".join([one.name for one in version.variants] or [ORIGINAL])
        names += f", {SOURCE}" if version.source else ""
        raise InvalidArguments.of_fields({"variant": f"{variant[:63]!r} is none of {names}"}) from None
