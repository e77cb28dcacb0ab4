"""A ready version's model description: read, replaced, and brought back to what its import made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from aimass.domain.datatypes import FLOATS
from aimass.domain.description import Description
from aimass.domain.errors import InvalidArguments, VersionNotReady
from aimass.domain.files import StoredFile
from aimass.domain.model import Version
from aimass.domain.ports import ArtifactStore, ModelRegistry
from aimass.formats.description import describe, read_document
from aimass.formats.description_document import document_of, encoded
from aimass.formats.description_output import order_problem
from aimass.formats.description_schema import NAN
from aimass.formats.known_sections import known_sections
from aimass.formats.seen import LABELS, Seen
from aimass.usecases.versions import get_version

MAX_RECORD_BYTES = 380_000  # an item of the table may have 400 KB


def get_description(registry: ModelRegistry, tenant: str, model: str, number: int) -> Version:
    """The version with its description. Raises ModelNotFound, VersionNotFound, VersionNotReady."""
    version = get_version(registry, tenant, model, number)
    if version.state != "ready":
        raise VersionNotReady(
            f"version {number} of {model!r} is {version.state}; only a ready one has a description",
            model=model,
            version=number,
            state=version.state,
        )
    return version


def set_description(
    registry: ModelRegistry, artifacts: ArtifactStore, tenant: str, model: str, number: int, body: bytes
) -> Version:
    """Replaces the description by a document's, YAML or JSON; `body` may name files that the version keeps.

    Raises InvalidArguments naming the line of each problem, and what `get_description` does.
    """
    version = get_description(registry, tenant, model, number)
    document = read_document(body)
    after = replace(version, description=describe(document, _seen(artifacts, tenant, version)))
    if problem := order_problem(after.class_names, version.own_classes):
        raise InvalidArguments.of_fields({"labels": problem})
    encoded(after.description)
    size = len(msgspec.json.encode(after))
    if size > MAX_RECORD_BYTES:
        told = f"with the version's files, inputs and labels it takes {size} bytes; at most {MAX_RECORD_BYTES}"
        raise InvalidArguments.of_fields({"the document": told})
    registry.set_description(tenant, version, after.description)
    return after


def reset_description(
    registry: ModelRegistry, artifacts: ArtifactStore, tenant: str, model: str, number: int
) -> Version:
    """Brings back the description that the version was imported with. Raises what `get_description` does."""
    version = get_description(registry, tenant, model, number)
    imported = _imported(artifacts, tenant, version.described) if version.described else None
    registry.set_description(tenant, version, imported)
    return replace(version, description=imported)


def _seen(artifacts: ArtifactStore, tenant: str, version: Version) -> Seen:
    """As the import saw the model, without the files that are gone by now; the labels that it found are still known."""
    imported = _imported(artifacts, tenant, version.described) if version.described else None
    tokenizer = imported.text.tokenizer if imported and imported.text else None
    return Seen(
        version.inputs,
        version.outputs,
        version.labels,
        frozenset(version.raw_scores),
        tuple(file.path for file in version.assets),
        {LABELS: "\n".join(imported.labels)} if imported and "labels" in imported.inferred else {},
        max_length=tokenizer.max_length if tokenizer else None,
        independent=_independent(imported),
        known=known_sections(_known(imported, version)),
        unscaled=_unscaled(imported),
    )


def _unscaled(imported: Description | None) -> frozenset[str]:
    """The input of pictures whose numbers stay as they are, where its import filled that in."""
    image = imported.image if imported else None
    filled = {"input.image", "input.image.scale"} & set(imported.inferred if imported else ())
    return frozenset([image.input] if image and filled and image.scale == 1 else ())


def _known(imported: Description | None, version: Version) -> dict[str, Any]:
    """What its import filled in of a table and its classes: a converter may have said so."""
    if imported is None:
        return {}
    document, filled = document_of(imported), frozenset(imported.inferred)
    sections: dict[str, Any] = {}
    if imported.table and "input.table" in filled:
        floats = {spec.name for spec in version.inputs if spec.datatype in FLOATS}
        missing = {column.missing for column in imported.table.columns if column.input in floats}
        sections["input"] = document["input"]
        sections["input"]["table"] |= {"missing": NAN} if missing == {NAN} else {}
    if imported.nan_cells and "input.table.missing" in filled:
        sections["input"] = document["input"]
    if imported.classes and {"output", "output.activation"} & filled:
        activation = imported.classes.activation or "none"
        sections["output"] = {"output": imported.classes.output, "activation": activation}
    return sections


def _independent(imported: Description | None) -> bool:
    """Whether sigmoid, and not softmax, was inferred for several classes."""
    if not imported or not imported.classes or len(imported.labels) == 2:
        return False
    filled = {"output", "output.activation"} & set(imported.inferred)
    return bool(filled) and imported.classes.activation == "sigmoid"


def _imported(artifacts: ArtifactStore, tenant: str, file: StoredFile) -> Description:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "described"
        artifacts.fetch(tenant, file, path)
        return msgspec.json.decode(path.read_bytes(), type=Description)
