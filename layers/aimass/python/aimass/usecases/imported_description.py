"""The model description of a model that is imported: from its document, from files beside it, from the model itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from aimass.domain.description import Description
from aimass.domain.errors import InvalidArguments, InvalidDescription, LabelsMismatch
from aimass.domain.files import StoredFile
from aimass.domain.model import Version
from aimass.domain.ports import ArtifactStore
from aimass.formats.beside import DOCUMENTS, MAX_TEXT_BYTES
from aimass.formats.description import Document, describe, read_document
from aimass.formats.description_document import encoded
from aimass.formats.description_image import scale_notes
from aimass.formats.description_output import label_lines, order_problem, renamed_notes, unfit_labels
from aimass.formats.inferred_description import inferred_max_length
from aimass.formats.known_sections import known_sections, margins
from aimass.formats.seen import CONFIG, LABELS, Seen
from aimass.sandbox.limits import Limits
from aimass.sandbox.tokenizer import check_tokenizer
from aimass.sandbox.verify import Verified
from aimass.usecases.import_results import ConvertedModel

DESCRIBED = "description.json"


@dataclass(frozen=True)
class Described:
    """A description, the same as an artifact, and the files that it needs. `raw_scores` are no probabilities,
    `notes` what its owner ought to know."""

    description: Description | None = None
    stored: StoredFile | None = None
    assets: tuple[StoredFile, ...] = ()
    raw_scores: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


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
    own_classes: Sequence[str] | None = None,
) -> Described:
    """Describes a model that was verified; `folder` takes its files, `own_classes` are what it calls its classes.

    Raises InvalidDescription, LabelsMismatch.
    """
    came = {file.path: file for file in beside if not (version.document and file.path in DOCUMENTS)}
    if version.document:
        came[DOCUMENTS[0]] = version.document
    files = {}
    for at, (name, file) in enumerate(came.items()):
        files[name] = folder / str(at) / "file"  # its own name may be a path
        artifacts.fetch(tenant, file, files[name])
    document = next((_read(files[name].read_bytes(), name) for name in DOCUMENTS if name in files), None)
    seen = _seen(version, found, {name: path for name, path in files.items() if name not in DOCUMENTS}, converted)
    if LABELS in files:
        _check_labels_file(document, seen)
    raw_scores = tuple(sorted(seen.raw_scores))
    description = _described(document, seen)
    names = (description.labels if description else ()) or version.labels
    if problem := order_problem(names, own_classes):
        raise LabelsMismatch(problem, labels=len(names))
    if description is None:
        return Described(raw_scores=raw_scores, notes=renamed_notes(names, own_classes))
    notes = renamed_notes(names, own_classes) + scale_notes(description.image, description.inferred, seen)
    assets: tuple[StoredFile, ...] = ()
    if description.text and (tokenizer := description.text.tokenizer):
        vocab_size = seen.document(CONFIG).get("vocab_size")
        checked = check_tokenizer(files[tokenizer.file], tokenizer.file, limits, vocab_size)
        if most := inferred_max_length(seen, checked.truncated_to):
            description = _described(document, replace(seen, max_length=most))
        assets = (replace(came[tokenizer.file], memory=checked.memory),)
    return Described(description, _stored(artifacts, tenant, description, folder), assets, raw_scores, notes)


def _seen(version: Version, found: Verified, files: Mapping[str, Path], converted: ConvertedModel) -> Seen:
    """What a converted model called its classes counts as its labels.txt, where it came without one."""
    labels = converted.labels
    texts = {LABELS: "\n".join(labels)} if labels and not any(len(one.splitlines()) != 1 for one in labels) else {}
    for name, path in files.items():
        if path.stat().st_size <= MAX_TEXT_BYTES:
            with suppress(UnicodeDecodeError):
                texts[name] = path.read_text("utf-8-sig")
    known = known_sections(converted.describes)
    raw_scores = frozenset(found.raw_scores) | margins(known)
    return Seen(
        found.inputs,
        found.outputs,
        version.labels,
        raw_scores,
        tuple(files),
        texts,
        known=known,
        unscaled=frozenset(found.unscaled),
    )


def _check_labels_file(document: Document | None, seen: Seen) -> None:
    """Raises LabelsMismatch for a labels.txt that nobody set aside and no output has as many columns for."""
    if seen.labels or (document and (document.sections.has("labels") or document.sections.has("output"))):
        return
    count = len(label_lines(seen.texts.get(LABELS, "")))
    if problem := unfit_labels(count, seen):
        raise LabelsMismatch(
            f"{LABELS} has {count} lines; {problem}. Give it a line for each, leave it out, or say `labels: null` in"
            f" {DOCUMENTS[0]}",
            labels=count,
        )


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
