"""A version's model description: read from its document, completed from the model.

The schema: docs/model-description.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import ValidationError

from aimass.domain.description import ClassOutput, Description, ImageInput, TableInput, TextInput
from aimass.domain.errors import InvalidArguments
from aimass.formats.description_draft import Draft
from aimass.formats.description_image import image_input
from aimass.formats.description_output import batching, check_labels, class_output, read_labels
from aimass.formats.description_schema import DocumentSection, InputSection, OutputSection
from aimass.formats.description_table import table_input, without_names
from aimass.formats.description_text import text_input
from aimass.formats.description_words import checked
from aimass.formats.description_yaml import Path, Read, read_yaml
from aimass.formats.inferred_description import inferred_input, inferred_labels, inferred_output
from aimass.formats.known_sections import KINDS, completed, known_output
from aimass.formats.member import shown
from aimass.formats.seen import Seen

_MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Document:
    """A document that keeps the schema. What it says was not yet held against a model."""

    sections: DocumentSection
    read: Read


def read_document(body: bytes) -> Document:
    """Reads YAML or JSON of at most 256 KB. Raises InvalidArguments naming the line of each problem."""
    read = read_yaml(body)
    sections = checked(read)
    if sections is None:
        raise _invalid(read, read.problems)
    return Document(sections, read)


def describe(document: Document | None, seen: Seen) -> Description | None:
    """The description of a model: what the document says, the rest from the model; None if there is nothing to say.

    Raises InvalidArguments naming the line of everything that does not fit the model.
    """
    sections = document.sections if document else DocumentSection(aimass=1)
    draft = Draft(seen)
    labels = read_labels(sections.labels, draft)
    if not sections.has("labels") and not seen.labels and (found := inferred_labels(seen)):
        labels = draft.fill(("labels",), found)
    named = labels or seen.labels
    image, text, table = _inputs(sections, draft)
    found_classes = class_output(sections.output, named, draft) if sections.output else None
    if not sections.has("output"):
        found_classes = _inferred_classes(named, draft)
        if sections.labels is not None and found_classes is None:
            check_labels(labels, draft)
    nan_cells = not any((image, text, table)) and _nan_cells(sections, draft)
    described = Description(
        labels=labels,
        image=image,
        text=text,
        table=table,
        classes=found_classes,
        batching=batching(sections.batching, draft) if sections.batching else None,
        nan_cells=nan_cells,
    )
    if draft.problems:
        raise _invalid(document.read if document else Read(), draft.problems)
    return replace(described, inferred=tuple(draft.inferred)) if document or described != Description() else None


_Inputs = tuple[ImageInput | None, TextInput | None, TableInput | None]


def _inputs(sections: DocumentSection, draft: Draft) -> _Inputs:
    known = draft.seen.known.input
    if sections.input:
        trial = Draft(draft.seen)
        inputs = _written_inputs(completed(sections.input, known, trial), trial)
        if trial.problems:  # they are told of what is written alone
            return _written_inputs(sections.input, draft)
        draft.inferred.extend(trial.inferred)
        return inputs
    if sections.has("input"):
        return None, None, None
    guess = _guess(draft.seen)
    whole = completed(guess, known, Draft(draft.seen)) if guess else None
    for option in (known, whole, guess):
        trial = Draft(draft.seen)
        inputs = _written_inputs(option, trial) if option else (None, None, None)
        if any(inputs) and not trial.problems:
            draft.fill(("input", next(kind for kind, one in zip(KINDS, inputs, strict=True) if one)), None)
            return inputs
    return None, None, None


def _nan_cells(sections: DocumentSection, draft: Draft) -> bool:
    """Whether missing cells of rows without names are NaN: as it is written, else as the converter knows."""
    if sections.has("input"):
        return without_names(sections.input.table if sections.input else None, draft.seen)
    known = draft.seen.known.input
    found = without_names(known.table if known else None, draft.seen)
    return draft.fill(("input", "table", "missing"), found) if found else False


def _guess(seen: Seen) -> InputSection | None:
    found = inferred_input(seen)
    try:
        return InputSection.model_validate(found) if found else None
    except ValidationError:  # a well-known file that holds something else
        return None


def _written_inputs(section: InputSection, draft: Draft) -> _Inputs:
    given = [name for name in KINDS if getattr(section, name) is not None]
    if len(given) > 1:
        draft.wrong(("input",), f"must have one of image, text and table, got {' and '.join(given)}")
    return (
        image_input(section.image, draft) if section.image else None,
        text_input(section.text, draft) if section.text else None,
        table_input(section.table, draft) if section.table and not without_names(section.table, draft.seen) else None,
    )


def _inferred_classes(labels: tuple[str, ...], draft: Draft) -> ClassOutput | None:
    found = inferred_output(labels, draft.seen)
    try:
        guess = OutputSection.model_validate(found) if found else None
    except ValidationError:  # an output of a name that no document can say
        guess = None
    for section in (known_output(draft), guess):
        trial = Draft(draft.seen)
        classes = class_output(section, labels, trial) if section else None
        if classes and not trial.problems:
            return draft.fill(("output",), classes)
    return None


def _invalid(read: Read, problems: dict[Path, str]) -> InvalidArguments:
    """All problems with their lines, in the order of the lines; of very many the first."""
    ordered = sorted(problems.items(), key=lambda one: read.line(one[0]))
    told, fields = [], {}
    for path, problem in ordered[:_MOST_PROBLEMS]:
        name = ".".join(shown(str(part)) for part in path) or "the document"
        line = read.line(path)
        told.append(f"line {line}: {name} {problem}"[:600])
        fields[name] = f"line {line}: {problem}"[:600]
    rest = "; and more" if len(ordered) > _MOST_PROBLEMS else ""
    return InvalidArguments(f"the model description: {'; '.join(told)}{rest}", fields=fields)
