"""Makes a folder ready for a compression: the model, the rows in their parts, what is asked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aimass.compression.budget import (
    Budget,
    check_classes,
    check_fit,
    check_rows,
    default_budget,
    parse_budget,
    shown_by_default,
)
from aimass.compression.contract import Ask, NotApplicable, Rows
from aimass.compression.data.made_up import made_up_rows
from aimass.compression.evaluate import Judge, judge, unanswered
from aimass.compression.label_fit import check_labels
from aimass.compression.model_file import file_bytes, load, refused, save
from aimass.compression.part_file import write_part
from aimass.compression.plan import Wish
from aimass.compression.reading import Reading, as_classifier, reading_of
from aimass.compression.recipe import digest_of
from aimass.compression.result import Record, write
from aimass.compression.rows import Data, read_rows
from aimass.compression.splits import Splits, sizes, split
from aimass.compression.steps.compress import part_at, rows_of
from aimass.compression.steps.folder import CALIBRATION, CHOOSING, HELD_OUT, Asked, Folder
from aimass.domain.errors import InvalidArguments, InvalidModel, SampleNeeded
from aimass.domain.files import StoredFile
from aimass.domain.model import Version
from aimass.formats.onnx_model import external_locations, weight_sizes, with_external_data_at
from aimass.inference.described.tokenizers import OpenStored, OpenTokenizer, open_tokenizer
from aimass.sandbox.tasks.generate import first_that_runs
from aimass.sandbox.tasks.sample import read_sample
from aimass.sandbox.tasks.session import load as open_model
from aimass.sandbox.tasks.session import predict

_MADE_UP, _FEWEST, _MADE_UP_BYTES = 384, 16, 256 << 20
_PARTS = {CHOOSING: "the rows that choose", HELD_OUT: "the rows that are held out"}

Array = np.ndarray[Any, Any]
Request = dict[str, Any]


def run(request: Request) -> Iterator[dict[str, Any]]:
    """Leaves what `prepare_files` names in the working folder, and answers with what it read.

    `source`, `data`, `sample` are paths in the folder. Raises InvalidArguments for examples that are wrong or too few.
    """
    folder, version = Folder(Path.cwd()), msgspec.convert(request["version"], Version)
    made_up = request["data"] is None
    data = _made_up(request, version) if made_up else read_rows(Path(request["data"]), version, _open_stored(request))
    parts, reading = _parts(data, made_up), reading_of(version, data.labels, data.whole)
    wanted, reading = _budget(request, data, reading)
    budget, held_out, doubt = wanted, len(parts.held_out), tuple[str, ...]()
    if not made_up:
        _shown(request, wanted, held_out)
        _check_choosing(parts, len(data))
    _leave(folder, Path(request["source"]), data, parts)
    if not made_up:
        judged = _judged(folder, parts, reading)
        held_out = len(judged.rows)
        budget = _shown(request, wanted, held_out)
        doubt = (*_adapted(budget, wanted, held_out), *check_labels(budget.metric, judged))
        _check_classes(budget, data, parts.held_out[:held_out], reading)
    counts = {name: len(getattr(parts, name)) for name in (CALIBRATION, CHOOSING, HELD_OUT)}
    ask = Ask(request["target"], counts[CALIBRATION], made_up, data.labels is not None)
    methods = None if request["methods"] is None else tuple(request["methods"])
    asked = Asked(ask, Wish(request["objective"], methods), budget, reading, held_out)
    told = {
        "seen": len(data) if made_up else data.seen,
        "used": sum(counts.values()),
        "parts": counts,
        "made_up": made_up,
        "labels": data.labels and data.labels.kind,
        "inputs": {name: [str(array.dtype), *array.shape] for name, array in data.inputs.items()},
        "budget": budget.document,
        "notes": [*doubt, *data.notes, *parts.notes],
        "digest": parts.digest,
    }
    _tell(folder, asked, told)
    yield told


def _parts(data: Data, made_up: bool) -> Splits:
    """Of rows that were made up each part gets its share, however alike they are: nothing is proven with them."""
    parts = split(data)
    if not made_up:
        return parts
    wanted = sizes(len(data))
    ends = [wanted.calibration, wanted.calibration + wanted.choosing]
    calibration, choosing, held_out = np.split(np.arange(len(data)), ends)
    return replace(parts, calibration=calibration, choosing=choosing, held_out=held_out, notes=())


def _judged(folder: Folder, parts: Splits, reading: Reading) -> Judge:
    """The original's answers to as many of the held-out rows as fit in memory. It answers all that are compared on."""
    judged = {}
    for part in (CHOOSING, HELD_OUT):
        found = part_at(folder.rows(part))
        rows = rows_of(found, folder.original)
        if not len(rows):
            text = f"{_PARTS[part]} are {len(found)}, and the model takes {rows.batch} in a call: send more"
            raise InvalidArguments.of_fields({"data": text})
        try:
            judged[part] = judge(folder.original, rows, found.labels, reading)
        except NotApplicable as error:
            raise _unanswered(folder, rows, part, getattr(parts, part), error) from error
    return judged[HELD_OUT]


def _unanswered(folder: Folder, rows: Rows, part: str, numbers: Array, error: Exception) -> InvalidArguments:
    """Names the row: its number in the part, and among all that are used."""
    fault = unanswered(folder.original, rows)
    if fault is None:
        return InvalidArguments.of_fields({"data": f"the model does not answer these rows: {error}"})
    first, last, why = fault
    named = f"row {first} of {_PARTS[part]} (row {numbers[first]} of those that were read)"
    if last > first:
        named = f"rows {first} to {last} of {_PARTS[part]}, the first is row {numbers[first]} of those that were read"
    return InvalidArguments.of_fields({"data": f"the model does not answer {named}: {why}"})


def _check_classes(budget: Budget, data: Data, rows: Array, reading: Reading) -> None:
    labels = None if data.labels is None else data.labels.take(rows)
    check_classes(budget, labels, several=reading.kind == "several classes")


def _check_choosing(parts: Splits, rows: int) -> None:
    if not len(parts.choosing):
        text = f"the {rows} rows are nearly all one and the same, too few different ones to be parted: send others"
        raise InvalidArguments.of_fields({"data": text})


def _budget(request: Request, data: Data, reading: Reading) -> tuple[Budget, Reading]:
    given = request["budget"]
    budget = parse_budget(given) if given else default_budget(reading, data.labels)
    check_fit(budget, reading, data.labels)
    return budget, as_classifier(reading) if budget.metric == "agreement" else reading


def _shown(request: Request, wanted: Budget, held_out: int) -> Budget:
    """The one that was asked for, or the default as so many rows can show it. Raises InvalidArguments."""
    budget = wanted if request["budget"] else shown_by_default(wanted, held_out)
    check_rows(budget, held_out)
    return budget


def _adapted(budget: Budget, wanted: Budget, held_out: int) -> tuple[str, ...]:
    if budget == wanted:
        return ()
    ((key, taken),) = budget.document.items()
    usual = wanted.document[key]
    told = f"no budget was given, and {held_out} examples held out tell of {key} {taken:g}, which was taken"
    return (f"{told}; with enough of them it is {usual:g}",)


def _open_stored(request: Request) -> OpenStored:
    files: Mapping[str, str] = request["assets"]

    def opened(file: StoredFile, limit: int | None) -> OpenTokenizer:
        return open_tokenizer(Path(files[file.path]), file.path, limit)

    return opened


def _made_up(request: Request, version: Version) -> Data:
    """As many as are needed to calibrate, fewer where they are large."""
    open_stored = _open_stored(request)
    one = made_up_rows(version, open_stored, rows=1)
    like = _like(request) if one is None else None
    one = one or made_up_rows(version, open_stored, like, rows=1)
    if one is None:
        raise _wants_examples()
    each = max(1, sum(array.nbytes for array in one.values()))
    rows = min(_MADE_UP, max(_FEWEST, _MADE_UP_BYTES // each))
    return Data(made_up_rows(version, open_stored, like, rows) or {}, seen=rows)


def _like(request: Request) -> Mapping[str, Any] | None:
    """A call that is known to run: the sample, or what is made up as the import does."""
    main, seconds = Path(request["source"]), request["seconds"]
    with refused("the runtime does not load it"):
        model, _ = open_model(main, seconds)
    if request["sample"]:
        feed = read_sample(Path(request["sample"]), model.inputs)
    else:
        try:
            feed, _ = first_that_runs(
                model.inputs, lambda given: predict(model, given, seconds), seconds, lambda: weight_sizes(main)
            )
        except SampleNeeded:
            raise _wants_examples() from None
    return feed if all(isinstance(value, np.ndarray) for value in feed.values()) else None


def _wants_examples() -> InvalidArguments:
    text = "nothing tells what this model's inputs look like, so none can be made up: send examples"
    return InvalidArguments.of_fields({"data": text})


def _leave(folder: Folder, source: Path, data: Data, parts: Splits) -> None:
    _normalise(source, folder.original)
    for name in (CALIBRATION, CHOOSING, HELD_OUT):
        write_part(folder.rows(name), data, getattr(parts, name))


def _tell(folder: Folder, asked: Asked, told: Record) -> None:
    model = {"sha256": folder.digest, "size": file_bytes(folder.original)}
    digests = {name: {"rows": count, "sha256": digest_of(folder.rows(name))} for name, count in told["parts"].items()}
    write(folder.prepared, {**told, "model": model, "parts": digests})
    write(folder.asked, asked.to_json())


def _normalise(source: Path, target: Path) -> None:
    """A model in one file is copied byte for byte. Else its external data comes to lie in one file beside it."""
    with source.open("rb") as file:
        if file.read(8)[4:] == b"ORTM":
            raise InvalidModel("a model in the runtime's own format (ORT) can't be compressed: import it as ONNX")
    locations = external_locations(source)
    if not locations:
        shutil.copyfile(source, target)
    elif len(locations) == 1:
        _renamed(source, source.parent / locations.pop(), target)
    else:
        save(load(source), target)


def _renamed(source: Path, data: Path, target: Path) -> None:
    """Weights may be larger than memory: they stay as they are."""
    if not data.resolve().is_relative_to(source.parent.resolve()):
        raise InvalidModel("the model's external data lies outside its folder")
    beside = target.with_name(f"{target.name}.data")
    target.write_bytes(with_external_data_at(source, beside.name))
    os.replace(data, beside)
