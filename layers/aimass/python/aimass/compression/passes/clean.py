"""The same model without what it does not need: what every recipe begins with.

The best of a few attempts is taken whose answers are the original's: constants folded and batch normalisation merged
into convolutions by onnxruntime's basic optimisations, then the graph as it is, without dead nodes, then only named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnxruntime as ort

from aimass.compression.contract import Applied, Ask, NotApplicable, Options, Pass, Profile, Work
from aimass.compression.model_file import (
    ONE_FILE_BYTES,
    Answers,
    answers,
    close,
    file_bytes,
    load,
    name_nodes,
    nodes,
    open_session,
    refused,
    same_interface,
    save,
)
from aimass.compression.passes._dead import (
    drop_dead,
    drop_identities,
    drop_remarks,
    share_equal_weights,
    weights_are_no_inputs,
)
from aimass.compression.passes._made_up import made_up_feeds
from aimass.compression.passes._opset import raised

_TOLERANCE = 1e-4
_MOST_ROWS = 64
# Folding may unpack weights that were stored small; this is what names and shapes take.
_GROWTH, _GROWTH_BYTES = 1.01, 16_384


def propose(profile: Profile, ask: Ask) -> Sequence[Options]:
    return [{"name": "clean"}]


def apply(work: Work, options: Options) -> Applied:
    original = open_session(work.original)
    feeds = work.rows.feeds(_MOST_ROWS) or made_up_feeds(original)
    expected = answers(original, feeds)
    if not close(expected[:1], answers(original, feeds[:1]), _TOLERANCE):
        raise NotApplicable("asked the same twice, it does not give the same answers")
    notes = []
    for title, attempt in _ATTEMPTS:
        try:
            size = attempt(work, work.target)
            if title != _ATTEMPTS[-1][0] and size > _GROWTH * file_bytes(work.source) + _GROWTH_BYTES:
                raise NotApplicable(f"it would grow to {size:,} bytes")
            _prove(original, work.target, feeds, expected)
        except NotApplicable as error:
            notes.append(f"not {title}: {error}")
            continue
        return Applied(notes=[f"{title}: {file_bytes(work.source):,} -> {size:,} bytes", *notes])
    raise NotApplicable(f"no form of the graph answers as the original did; {notes[-1]}")


def _prove(original: Any, path: Path, feeds: Sequence[Any], expected: Answers) -> None:
    candidate = open_session(path)
    if not same_interface(original, candidate):
        raise NotApplicable("its inputs and outputs changed")
    if not close(expected, answers(candidate, feeds), _TOLERANCE):
        raise NotApplicable("its answers changed")


def _written(model: Any, path: Path) -> int:
    name_nodes(model)
    save(model, path)
    return file_bytes(path)


def _named(work: Work, target: Path) -> int:
    return _written(load(work.source), target)


def _swept(work: Work, target: Path) -> int:
    """Raised to an opset that the other passes know, without what nothing reads."""
    model = raised(load(work.source))
    drop_remarks(model)
    weights_are_no_inputs(model)
    drop_identities(model)
    drop_dead(model)
    share_equal_weights(model)
    return _written(model, target)


def _folded(work: Work, target: Path, *, constants: bool = True) -> int:
    swept, folded = work.folder / "swept.onnx", work.folder / "folded.onnx"
    size = _swept(work, swept)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folded)
    if size > ONE_FILE_BYTES:
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", "folded.data")
    unwanted = ["ConstantSharing"] if constants else ["ConstantSharing", "ConstantFolding"]
    with refused("the runtime does not optimise it"):
        ort.InferenceSession(str(swept), options, providers=["CPUExecutionProvider"], disabled_optimizers=unwanted)
    before, after = load(swept), load(folded)
    if _domains(after) - _domains(before):
        raise NotApplicable("only this runtime could read it")
    _only_used_domains(after)
    return _written(after, target)


def _domains(model: Any) -> set[str]:
    return {node.domain for node in nodes(model)}


def _only_used_domains(model: Any) -> None:
    """The runtime lists every domain that it knows."""
    used = _domains(model) | {"", "ai.onnx"}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)


def _folded_but_constants(work: Work, target: Path) -> int:
    return _folded(work, target, constants=False)


_ATTEMPTS: Sequence[tuple[str, Callable[[Work, Path], int]]] = (
    ("constants and batch normalisation folded, nothing unused left", _folded),
    ("batch normalisation folded, nothing unused left", _folded_but_constants),
    ("nothing unused left", _swept),
    ("as it was, its nodes named", _named),
)

PASS = Pass(name="clean", stage="clean", methods=(), propose=propose, apply=apply, exact=True)
