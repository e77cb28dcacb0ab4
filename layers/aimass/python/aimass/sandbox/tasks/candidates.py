"""Which of the files is the model, where none is in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aimass.domain.errors import AmbiguousArchive, ImportRefused, TruncatedModel, UnsupportedFormat
from aimass.formats.converter import Candidate, Tree
from aimass.formats.member import shown
from aimass.formats.recognise import ACCEPTED, is_document, title, unsupported
from aimass.formats.registry import CONVERTERS, converter_of
from aimass.sandbox.tasks.found import Found

_NAMED = 5


def candidates_of(found: Found) -> list[Candidate]:
    """What the converters take for models, without those that are a part of another."""
    tree = Tree(found.folder, found.kinds)
    every = [candidate for converter in CONVERTERS for candidate in converter.candidates(tree)]
    every.sort(key=lambda candidate: len(candidate.files) + len(candidate.hides), reverse=True)
    kept: list[Candidate] = []
    claimed: set[str] = set()
    for candidate in every:
        if not claimed.issuperset(candidate.files):
            kept.append(candidate)
            claimed |= {*candidate.files, *candidate.hides}
    return kept


def only_one(found: Found, candidates: Sequence[Candidate]) -> Candidate:
    """The model, which goes before what is not taken. Raises AmbiguousArchive, UnsupportedFormat, TruncatedModel."""
    taken = [candidate for candidate in candidates if not _is_refused(candidate)]
    taken = [candidate for candidate in taken if not _is_weights(candidate)] or taken
    if len(taken) > 1:
        raise ambiguous([candidate.main for candidate in taken])
    if taken:
        return taken[0]
    if len(candidates) == 1 and not found.cut_short:
        raise unsupported(candidates[0].format)
    raise _no_model(found)


def _is_refused(candidate: Candidate) -> bool:
    converter = converter_of(candidate.format)
    return converter is None or candidate.format in converter.refused


def _is_weights(candidate: Candidate) -> bool:
    converter = converter_of(candidate.format)
    return converter is not None and candidate.format in converter.weights


def ambiguous(models: list[str]) -> AmbiguousArchive:
    """The refusal of several models, by their paths."""
    return AmbiguousArchive(
        f"one model is expected; found {_names(models)}: send each by itself", models=models[:_NAMED]
    )


def _no_model(found: Found) -> ImportRefused:
    kinds = found.kinds
    if found.cut_short:
        path, error = next(iter(found.cut_short.items()))
        return error if len(kinds) == 0 else TruncatedModel(f"{shown(path)}: {error.message}", file=path)
    if len(kinds) == 1 and found.folder == Path.cwd():
        return unsupported(next(iter(kinds.values())))
    telling = [path for path, kind in kinds.items() if not is_document(kind)]
    seen = "; ".join(f"{shown(path)} is {title(kinds[path])}" for path in (telling or [*kinds])[:_NAMED]) or "no files"
    text = f"no model found among {len(kinds)} files: {seen}. Accepted: {ACCEPTED}"
    return UnsupportedFormat(text, format=kinds[telling[0]] if telling else "", accepted=ACCEPTED)


def _names(paths: list[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(shown(path) for path in paths[:_NAMED]) + more
