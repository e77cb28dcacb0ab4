"""The model description of a model that is imported: from its document, from files beside it, from the model itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from aimass.domain.description import Description
from aimass.domain.errors import InvalidArguments, InvalidDescription
from aimass.domain.model import StoredFile, Version
from aimass.domain.ports import ArtifactStore
from aimass.formats.beside import DOCUMENTS, MAX_TEXT_BYTES
from aimass.formats.description import Document, describe, read_document
from aimass.formats.description_document import encoded
from aimass.formats.inferred_description import inferred_max_length
from aimass.formats.seen import LABELS, Seen
from aimass.sandbox.limits import Limits
from aimass.sandbox.tokenizer import check_tokenizer
from aimass.sandbox.verify import Verified
from aimass.usecases.import_results import ConvertedModel

DESCRIBED = "description.json"


@dataclass(frozen=True)
class Described:
    """A description, the same as an artifact, and the files that it needs."""

    description: Description | None = None
    stored: StoredFile | None = None
    assets: tuple[StoredFile, ...] = ()


def check_document(beside: Mapping[str, Path]) -> None:
    """Reads the document of a bundle, so that a slip in it ends the import early. Raises InvalidDescription."""
    for name in DOCUMENTS:
        if name in beside:
            _read(beside[name].read_bytes(), name)


def describe_import(
    artifacts: ArtifactStore,
    tenant: str,
    version: Version,
    found: Verified,
    beside: Sequence[StoredFile],
    folder: Path,
    limits: Limits,
    converted: ConvertedModel,
) -> Described:
    """Describes a model that was verified; `folder` is a place for its files. Raises InvalidDescription."""
    came = {file.path: file for file in beside if not (version.document and file.path in DOCUMENTS)}
    if version.document:
        came[DOCUMENTS[0]] = version.document
    files = {}
    for at, (name, file) in enumerate(came.items()):
        files[name] = folder / str(at) / "file"  # its own name may be a path
        artifacts.fetch(tenant, file, files[name])
    document = next((_read(files[name].read_bytes(), name) for name in DOCUMENTS if name in files), None)
    seen = _seen(version, found, {name: path for name, path in files.items() if name not in DOCUMENTS}, converted)
    description = _described(document, seen)
    if description is None:
        return Described()
    assets: tuple[StoredFile, ...] = ()
    if description.text and (tokenizer := description.text.tokenizer):
        checked = check_tokenizer(files[tokenizer.file], tokenizer.file, limits)
        if most := inferred_max_length(seen, checked.truncated_to):
            description = _described(document, replace(seen, max_length=most))
        assets = tuple(replace(file, memory=checked.memory) for file in beside if file.path == tokenizer.file)
    return Described(description, _stored(artifacts, tenant, description, folder), assets)


def _seen(version: Version, found: Verified, files: Mapping[str, Path], converted: ConvertedModel) -> Seen:
    """What a converted model called its classes counts as its labels.txt, where it came without one."""
    labels = converted.labels
    texts = {LABELS: "\n".join(labels)} if labels and not any(len(one.splitlines()) != 1 for one in labels) else {}
    for name, path in files.items():
        if path.stat().st_size <= MAX_TEXT_BYTES:
            with suppress(UnicodeDecodeError):
                texts[name] = path.read_text("utf-8-sig")
    raw_scores = frozenset(found.raw_scores)
    return Seen(found.inputs, found.outputs, version.labels, raw_scores, tuple(files), texts, columns=converted.columns)


def _read(body: bytes, name: str) -> Document:
    try:
        return read_document(body)
    except InvalidArguments as error:
        raise _refused(error, name) from None


def _described(document: Document | None, seen: Seen) -> Description | None:
    try:
        return describe(document, seen)
    except InvalidArguments as error:
        raise _refused(error, DOCUMENTS[0]) from None


def _refused(error: InvalidArguments, name: str) -> InvalidDescription:
    return InvalidDescription(error.message.replace("the model description", name, 1), **error.details)


def _stored(artifacts: ArtifactStore, tenant: str, description: Description | None, folder: Path) -> StoredFile:
    try:
        body = encoded(description)
    except InvalidArguments as error:
        raise _refused(error, DOCUMENTS[0]) from None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / DESCRIBED
    path.write_bytes(body)
    return artifacts.put_file(tenant, DESCRIBED, path)
