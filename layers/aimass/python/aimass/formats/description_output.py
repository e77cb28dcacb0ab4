"""The sections `labels`, `output` and `batching`, filled in from the model and checked against it."""

from __future__ import annotations

from collections.abc import Sequence

from aimass.domain.datatypes import is_tensor
from aimass.domain.description import Activation, Batching, ClassOutput
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.domain.names import check_texts
from aimass.formats.description_activation import activation_of
from aimass.formats.description_draft import Draft, quoted, tensors
from aimass.formats.description_schema import BatchingSection, OutputSection
from aimass.formats.seen import Seen, is_matrix, is_scores

_MOST_NAMED, _LONGEST_NAMED = 8, 40


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


def check_labels(labels: tuple[str, ...], draft: Draft) -> None:
    """Refuses written labels where the columns of every output that could be of classes are others."""
    if labels and (problem := unfit_labels(len(labels), draft.seen)):
        draft.wrong(("labels",), f"are {len(labels)}; {problem}. Give one for each, or say `output: null`")


def unfit_labels(count: int, seen: Seen) -> str | None:
    """That the columns of every output that could be of classes are others; None where one fits, or may."""
    maps = any(is_scores(spec) and not is_matrix(spec) for spec in seen.outputs)
    deeper = any(len(spec.shape) > 2 and spec.shape[-1] in {-1, count} for spec in seen.outputs)
    if maps or deeper or not seen.matrices or any(_fits(spec, count) for spec in seen.matrices):
        return None
    has = ", ".join(f"{quoted(spec.name)} has {spec.shape[1]}" for spec in seen.matrices[:_MOST_NAMED])
    return f"the columns are others: {has}"


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
    of_tokens = spec in draft.seen.token_scores
    if not is_scores(spec) and not of_tokens:
        draft.wrong(
            ("output", "output"),
            f"names {quoted(spec.name)}, which is {spec.datatype} {list(spec.shape)}; classes are the columns"
            " of a matrix of floats",
        )
    elif labels and of_tokens and spec.shape[2] not in {-1, len(labels)}:
        draft.wrong(("labels",), f"are {len(labels)}; output {quoted(spec.name)} has {spec.shape[2]} classes of tokens")
    elif labels and is_matrix(spec) and not _fits(spec, len(labels)):
        draft.wrong(("labels",), f"are {len(labels)}; output {quoted(spec.name)} has {spec.shape[1]} columns")
    activation = activation_of(section, spec, labels, draft)
    if is_matrix(spec) and spec.shape[1] == 1 and activation != "sigmoid":
        _check_single(spec, activation, labels, draft)
    _check_top_k(section, spec, labels, draft)
    _check_threshold(section, spec, activation, draft)
    return ClassOutput(spec.name, activation, section.top_k, section.threshold)


def _check_single(spec: TensorSpec, activation: Activation, labels: tuple[str, ...], draft: Draft) -> None:
    """One column without a sigmoid: the probability of the second of two labels, or no classifier's."""
    if activation == "softmax":
        draft.wrong(("output", "activation"), f"of the one column of {quoted(spec.name)} is always 1; use sigmoid")
    elif len(labels) < 2 or spec.name in draft.seen.raw_scores:
        draft.wrong(
            ("output", "output"),
            f"is no classifier's: {quoted(spec.name)} has one column, a number and no probability of one of several"
            " classes. Leave `output` out; or give two labels, the second being what it is the probability of; or"
            " `activation: sigmoid`",
        )


def _check_top_k(section: OutputSection, spec: TensorSpec, labels: tuple[str, ...], draft: Draft) -> None:
    columns = spec.shape[-1] if is_matrix(spec) or spec in draft.seen.token_scores else -1
    classes = len(labels) if columns in {-1, 1} else columns
    if section.top_k and classes and section.top_k > classes:
        draft.wrong(("output", "top_k"), f"must be at most {classes}, the number of classes, got {section.top_k}")


def _check_threshold(section: OutputSection, spec: TensorSpec, activation: Activation, draft: Draft) -> None:
    raw = activation is None and spec.name in draft.seen.raw_scores
    if section.threshold is not None and not raw and not 0 <= section.threshold <= 1:
        draft.wrong(("output", "threshold"), f"must be between 0 and 1, as probabilities are, got {section.threshold}")


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


def _fits(spec: TensorSpec, count: int) -> bool:
    columns = spec.shape[1]
    return columns in {-1, count} or (columns, count) == (1, 2)


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


def order_problem(names: Sequence[str], own: Sequence[str] | None) -> str | None:
    """What is wrong with names that are the model's own classes in another order: each would be another's answer."""
    if not own or list(names) == list(own) or sorted(names) != sorted(own):
        return None
    return (
        f"the labels are the model's own classes in another order: {_listed(names)} were given, the model's columns are"
        f" {_listed(own)}; leave the labels out, or give them in the model's order"
    )


def renamed_notes(names: Sequence[str], own: Sequence[str] | None) -> tuple[str, ...]:
    """What classes that had names of their own are called now."""
    pairs = [(was, now) for was, now in zip(own or (), names, strict=False) if was != now and not was.isdecimal()]
    if not pairs or len(names) != len(own or ()):
        return ()
    told = ", ".join(f"{quoted(was[:_LONGEST_NAMED])} is called {quoted(now[:_LONGEST_NAMED])}" for was, now in
                     pairs[:_MOST_NAMED])  # fmt: skip
    rest = len(pairs) - _MOST_NAMED
    return (f"classes got other names by their places: {told}{f' and {rest} more' if rest > 0 else ''}",)


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMED
    told = ", ".join(quoted(name[:_LONGEST_NAMED]) for name in names[:_MOST_NAMED])
    return f"{told} and {rest} more" if rest > 0 else told
