"""The sections `labels`, `output` and `batching`, filled in from the model and checked against it."""

from __future__ import annotations

from aimass.domain.datatypes import is_tensor
from aimass.domain.description import Batching, ClassOutput
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.domain.names import check_texts
from aimass.formats.description_draft import Draft, quoted, tensors
from aimass.formats.description_schema import BatchingSection, OutputSection
from aimass.formats.seen import is_matrix, is_scores


def read_labels(given: list[str] | str | None, draft: Draft) -> tuple[str, ...]:
    """The labels, or the lines of the file that is named."""
    if isinstance(given, str):
        text = draft.seen.texts.get(given)
        if text is None:
            there_are = ", ".join(quoted(name) for name in draft.seen.texts) or "none"
            draft.wrong(("labels",), f"names no file beside the model: {quoted(given)}; there are {there_are}")
            return ()
        given = list(label_lines(text))
    labels = tuple(given or ())
    if problem := label_problem(labels):
        draft.wrong(("labels",), problem)
    return labels


def label_problem(labels: tuple[str, ...]) -> str | None:
    """What is wrong with labels that a file gave, or with how many there are."""
    if not all(_is_label(label) for label in labels):
        return "come from a file that must have one label of 1 to 1000 characters on each line"
    try:
        check_texts(None, labels)
    except InvalidArguments as error:
        return error.message.removeprefix("labels ")
    return None


def label_lines(text: str) -> tuple[str, ...]:
    """One a line; empty lines at the end do not count."""
    return tuple(line.strip() for line in text.removeprefix("\ufeff").rstrip().splitlines())


def _is_label(text: str) -> bool:
    return 0 < len(text) <= 1000 and not any(letter < " " or letter == "\x7f" for letter in text)


def class_output(section: OutputSection, labels: tuple[str, ...], draft: Draft) -> ClassOutput | None:
    """Notes every problem in the draft; None where there is no telling which output is meant.

    Without labels the columns are known by their numbers. Two labels may stand for one column: it is the probability
    of the second.
    """
    spec = _scores(section, labels, draft)
    if spec is None:
        return None
    if not is_scores(spec):
        draft.wrong(
            ("output", "output"),
            f"names {quoted(spec.name)}, which is {spec.datatype} {list(spec.shape)}; classes are the columns"
            " of a matrix of floats",
        )
    elif labels and is_matrix(spec) and not _label(spec.shape[1], len(labels)):
        draft.wrong(("labels",), f"are {len(labels)}; output {quoted(spec.name)} has {spec.shape[1]} columns")
    return ClassOutput(spec.name, section.activation, section.top_k, section.threshold)


def _scores(section: OutputSection, labels: tuple[str, ...], draft: Draft) -> TensorSpec | None:
    if section.output is not None:
        return draft.named(("output", "output"), section.output, draft.seen.outputs, "output")
    every = draft.seen.matrices or tuple(spec for spec in draft.seen.outputs if is_scores(spec))
    fitting = draft.seen.scored(labels) if labels else every
    fitting = fitting if len(fitting) == 1 else every
    if len(fitting) == 1:
        return draft.fill(("output", "output"), fitting[0])
    draft.wrong(
        ("output", "output"),
        "is missing: one of the model's outputs must be a matrix of floats, [rows, classes]; there are"
        f" {tensors(draft.seen.outputs)}",
    )
    return None


def _label(columns: int, labels: int) -> bool:
    return columns in {-1, labels} or (columns, labels) == (1, 2)


def batching(section: BatchingSection, draft: Draft) -> Batching:
    """Rows run together only where every input and output has rows: a first dimension that varies, or one in all."""
    specs = draft.seen.inputs + draft.seen.outputs
    without = [spec for spec in specs if not spec.shape or not is_tensor(spec.onnx_type)]
    firsts = {spec.shape[0] for spec in specs if spec.shape}
    if without:
        draft.wrong(("batching",), f"needs rows, which the model does not have in {tensors(without)}")
    elif len(firsts) > 1 or not specs:
        draft.wrong(("batching",), f"needs a first dimension that varies, or is the same, in all of {tensors(specs)}")
    return Batching(section.max_batch, section.max_delay_ms)
