"""What makes probabilities of an output: what is written, known, or was seen to be needed when the model ran."""

from __future__ import annotations

from aimass.domain.description import Activation
from aimass.domain.model import TensorSpec
from aimass.formats.description_draft import Draft
from aimass.formats.description_schema import OutputSection
from aimass.formats.known_sections import known_output
from aimass.formats.seen import LOGITS


def activation_of(section: OutputSection, spec: TensorSpec, labels: tuple[str, ...], draft: Draft) -> Activation:
    """As written; else what makes probabilities of an output that gave other numbers when the model was verified."""
    if section.has("activation"):
        return section.activation if section.activation != "none" else None
    known = known_output(draft)
    if known and known.output == spec.name and known.has("activation"):
        return draft.fill(("output", "activation"), known.activation if known.activation != "none" else None)
    if draft.seen.labelled:
        return None
    by_config = draft.seen.classifier(spec.shape[-1]) if spec.name == LOGITS else "unknown"
    if by_config != "unknown":
        return draft.fill(("output", "activation"), by_config)
    single = spec.shape[1:] == (1,)
    if spec.name not in draft.seen.raw_scores or (single and len(labels) < 2 and not draft.seen.multi_label):
        return None
    return draft.fill(("output", "activation"), "sigmoid" if single or draft.seen.multi_label else "softmax")
