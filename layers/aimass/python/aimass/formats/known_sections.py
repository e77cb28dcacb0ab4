"""What is known of a model beside its document: by the converter that opened the original, or from its import.

It comes out of a sandbox, so it is held to the same schema; and what the document says goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from aimass.domain.description import SCHEMA
from aimass.formats.description_draft import Draft
from aimass.formats.description_schema import DocumentSection, InputSection, OutputSection, Section

KINDS = ("image", "text", "table")


def known_sections(describes: Mapping[str, Any]) -> DocumentSection:
    """The sections `input` and `output`; nothing of one that breaks the schema."""
    sections = {name: describes[name] for name in ("input", "output") if name in describes}
    for name in [*sections]:
        try:
            DocumentSection.model_validate({"aimass": SCHEMA, name: sections[name]})
        except ValidationError:
            del sections[name]
    return DocumentSection.model_validate({"aimass": SCHEMA} | sections)


def margins(known: DocumentSection) -> frozenset[str]:
    """Outputs that nothing makes probabilities of."""
    output = known.output
    return frozenset([output.output] if output and output.output and output.activation == "none" else ())


def completed(written: InputSection, known: InputSection | None, draft: Draft) -> InputSection:
    """What is written with what is known where it says nothing, each such part noted in the draft."""
    for kind in KINDS:
        own, other = getattr(written, kind), getattr(known, kind, None)
        if own is not None and other is not None:
            return written.model_copy(update={kind: _completed(own, other, kind, draft)})
    return written


def _completed(own: Section, other: Section, kind: str, draft: Draft) -> Section:
    missing = [name for name in type(own).model_fields if other.has(name) and not own.has(name)]
    return own.model_copy(update={name: draft.fill(("input", kind, name), getattr(other, name)) for name in missing})


def known_output(draft: Draft) -> OutputSection | None:
    """Which output the original's scores are, if the model has it."""
    known = draft.seen.known.output
    return known if known and any(spec.name == known.output for spec in draft.seen.outputs) else None
