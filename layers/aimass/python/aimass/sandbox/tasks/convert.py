"""Opens a model by its own library, writes it as ONNX, and replays inputs through both."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from aimass.compression.gauges import peak_bytes
from aimass.domain.conversion import DATA, MAIN, TOKENIZER
from aimass.domain.errors import ConversionFailed, ImportRefused, UnsafePickle
from aimass.formats.converter import Candidate, Converted, Converter, Original, Sampled
from aimass.formats.registry import converter_of
from aimass.inference.onnxruntime.model import OpenModel, run_options, session_options
from aimass.inference.onnxruntime.words import reason
from aimass.sandbox.phase import tell
from aimass.sandbox.tasks.calls import Sides
from aimass.sandbox.tasks.kept_sample import write_sample
from aimass.sandbox.tasks.refusals import load_refusal, raise_for_memory
from aimass.sandbox.tasks.replay import Replayed, replay_given, replay_made_up
from aimass.sandbox.tasks.sample import read_arrays, read_outputs, sample_of, unread_notes
from aimass.sandbox.tasks.sample_file import read_named
from aimass.sandbox.tasks.tools import loaded_tools

MODEL, OUT = "model", "out"  # in the working folder
#: Environments whose libraries take a table in double precision, and round it themselves if they do.
_DOUBLES = frozenset({"trees"})
_LEAST_SECONDS, _MOST_SECONDS = 5.0, 120.0  # of the replay


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`candidate` is the model, whose files lie in `model/`; `sample` and `expected` are files, or None.

    The ONNX model is left in `out/`. `seconds` is what all of it may take.
    """
    converter = converter_of(request["candidate"]["format"])
    if converter is None:
        raise ConversionFailed(f"no converter knows the format {request['candidate']['format']!r}")
    yield convert(converter, request)


def convert(converter: Converter, request: dict[str, Any]) -> dict[str, Any]:
    """The task's answer. Raises ImportRefused kinds."""
    start = time.monotonic()
    candidate = Candidate(**{**request["candidate"], "files": tuple(request["candidate"]["files"])})
    folder, out = Path.cwd() / MODEL, Path.cwd() / OUT
    out.mkdir(exist_ok=True)
    scan = _scanned(converter, folder, candidate)
    original, converted = _converted(converter, folder, candidate, out, request["sample"])
    seconds = time.monotonic() - start
    doubles = converter.environment in _DOUBLES
    replayed = _replayed(original, out / converted.main, request, seconds, doubles=doubles)
    return {
        **asdict(converted),
        "beside": [*converted.beside, *write_sample(out, replayed.sample)],
        "notes": [*converted.notes, *replayed.notes],
        "seconds": seconds,
        "memory_bytes": peak_bytes(),
        "tools": loaded_tools(),
        "scan": scan,
        "replay": asdict(replayed.replay),
        "examples": replayed.examples,
    }


def _scanned(converter: Converter, folder: Path, candidate: Candidate) -> str | None:
    """The verdict on a file that could hold a program; one that nothing scans is not opened."""
    if candidate.format not in converter.program:
        return None
    if converter.scan is None:
        raise UnsafePickle(f"{candidate.main} can hold a program, and nothing here scans it before it is opened")
    try:
        return converter.scan(folder, candidate)
    except (ImportRefused, MemoryError):
        raise
    except Exception as error:  # what can't be read as it should be is not opened either
        said = f"{type(error).__name__}: {reason(str(error), str(Path.cwd()))}"
        text = f"{candidate.main} can't be checked for programs ({said}); it was not opened: {converter.remedy}"
        raise UnsafePickle(text, reason=said) from None


def _converted(
    converter: Converter, folder: Path, candidate: Candidate, out: Path, sample: str | None
) -> tuple[Original, Converted]:
    title = converter.titles.get(candidate.format, candidate.format)
    if converter.open is None:
        raise ConversionFailed(f"{title} is not converted here: {converter.remedy}", remedy=converter.remedy)
    tell("opening")
    with _in_own_words(f"{title} can't be opened", converter.remedy):
        original = converter.open(folder, candidate)
    if sample and isinstance(original, Sampled):
        original.sampled(read_arrays(Path(sample), original.names))
    tell("converting")
    with _in_own_words(f"{title} can't be written as ONNX", converter.remedy):
        converted = original.convert(out)
    if converted.main != MAIN or not {*converted.files} <= {MAIN, DATA} or not {*converted.beside} <= {TOKENIZER}:
        raise RuntimeError(f"a converter writes {MAIN} and {DATA}, not {converted.files} and {converted.beside}")
    return original, converted


@contextmanager
def _in_own_words(what: str, remedy: str) -> Iterator[None]:
    """A library's exception as ConversionFailed; ours, and those of memory and disk, pass through."""
    try:
        yield
    except (ImportRefused, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            raise
        text = str(error)
        raise_for_memory(text)
        if "can't allocate memory" in text:  # torch's words
            raise MemoryError from None
        said = f"{type(error).__name__}: {reason(text, str(Path.cwd()))}"
        advice = f"; {remedy}" if remedy else ""
        raise ConversionFailed(f"{what}: {said}{advice}", reason=said, remedy=remedy) from None


def _replayed(original: Original, main: Path, request: dict[str, Any], spent: float, *, doubles: bool) -> Replayed:
    tell("replaying")
    try:
        model = OpenModel(main, session_options(1))
    except Exception as error:
        raise ConversionFailed(f"what the conversion wrote does not load: {load_refusal(error).message}") from None
    names = [one.name for one in model.outputs]
    sides = Sides(
        original=original.run,
        onnx=lambda feed: dict(zip(names, model.run(feed, run_options()), strict=True)),
        inputs=model.inputs,
        outputs=model.outputs,
        trees=_has_trees(main),
        doubles=doubles,
    )
    left = min(max((request["seconds"] - spent) / 2, _LEAST_SECONDS), _MOST_SECONDS)
    if request["sample"]:
        values = read_named(Path(request["sample"]), model.inputs)
        feed = sample_of(values, model.inputs, doubles=sides.doubles)
        expected = read_outputs(Path(request["expected"]), model.outputs) if request["expected"] else None
        found = replay_given(sides, feed, expected, original.wanted, left)
        return replace(found, notes=[*unread_notes(values, model.inputs), *found.notes])
    return replay_made_up(sides, original.wanted, left)


def _has_trees(main: Path) -> bool:
    import onnx

    graph = onnx.load(main, load_external_data=False).graph
    return any(node.op_type.startswith("TreeEnsemble") for node in graph.node)
