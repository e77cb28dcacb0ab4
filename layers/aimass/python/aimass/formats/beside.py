"""Files that came with a model and say something of its inputs and outputs, or are some."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aimass.domain.errors import InvalidDescription, InvalidSample
from aimass.formats.description_yaml import MAX_BYTES
from aimass.formats.member import shown
from aimass.formats.seen import CONFIG, LABELS, PREPROCESSOR, TOKENIZER, TOKENIZER_CONFIG

DOCUMENTS = ("aimass.yaml", "aimass.yml")
MAX_TEXT_BYTES = 2 << 20
MAX_FILE_BYTES = 64 << 20
SAMPLES = ("sample.npz", "sample.npy", "sample.json")
EXPECTED = ("expected.npz", "expected.npy", "expected.json")
# Inputs in a form that is not read, which whoever sends them must be told of; a sample.jpg or .txt may be anything.
_UNREAD = {".csv", ".tsv", ".jsonl", ".parquet", ".feather", ".arrow", ".pkl", ".pickle", ".joblib", ".yaml", ".yml"}
_KNOWN = (LABELS, CONFIG, PREPROCESSOR, TOKENIZER_CONFIG, TOKENIZER)
_MOST_NAMED = 8


def find_beside(root: Path, model: Path, files: Sequence[str]) -> dict[str, Path]:
    """The well-known files, and those that a description's document names, by the names that it knows them by.

    `files` are paths under `root`. One beside `model` goes before one at the root; of samples, and of the outputs that
    belong to them, there is one. A file that is too large for what it is named as is left out. Raises
    InvalidDescription for a document that is, InvalidSample for a sample, and for one that would be passed over.
    """
    folders = list(dict.fromkeys((model.parent, root)))
    there = {root / file for file in files}
    found = {name: path for folder in reversed(folders) for name in _KNOWN if (path := folder / name) in there}
    found |= _sample(folders, there - {model})
    document = next((path for folder in folders for path in _documents(folder, there)), None)
    if document is None:
        return _small_enough(found)
    text = _text(document)
    named = [(path.relative_to(document.parent).as_posix(), path) for path in there if _within(path, document.parent)]
    listed = {name: path for name, path in sorted(named) if name in text and path not in {document, model}}
    return {document.name.lower(): document} | _small_enough(found | dict([*listed.items()][:_MOST_NAMED]))


def _sample(folders: Sequence[Path], there: set[Path]) -> dict[str, Path]:
    """A sample and the outputs that belong to it."""
    sample, expected = _first(SAMPLES, folders, there), _first(EXPECTED, folders, there)
    for stem, names, found in (("sample", SAMPLES, sample), ("expected", EXPECTED, expected)):
        unread = [path for path in sorted(there) if path.parent in folders and path.stem.lower() == stem]
        unread = [path for path in unread if path.suffix.lower() in _UNREAD]
        if unread and not found:
            name = shown(unread[0].name)
            raise InvalidSample(f"{name} is not read: send it as {' or '.join(names)}", file=name)
        if found and (size := found.stat().st_size) > MAX_FILE_BYTES:
            text = f"{found.name} has {size} bytes; at most {MAX_FILE_BYTES}: send fewer rows"
            raise InvalidSample(text, file=found.name, size=size, limit=MAX_FILE_BYTES)
    if expected and not sample:
        text = f"{expected.name} came without the inputs that it belongs to: put {' or '.join(SAMPLES)} beside it"
        raise InvalidSample(text, file=expected.name)
    return {one.name: one for one in (sample, expected) if one}


def _first(names: Sequence[str], folders: Sequence[Path], there: set[Path]) -> Path | None:
    return next((folder / name for folder in folders for name in names if folder / name in there), None)


def _documents(folder: Path, there: set[Path]) -> list[Path]:
    """The documents in a folder, the one to take first: case does not count, the usual spelling goes before others."""
    named = [path for path in there if path.parent == folder and path.name.lower() in DOCUMENTS]
    return sorted(named, key=lambda path: (path.name not in DOCUMENTS, DOCUMENTS.index(path.name.lower()), path.name))


def _within(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder)


def _text(document: Path) -> str:
    size = document.stat().st_size
    if size > MAX_BYTES:
        raise InvalidDescription(f"{document.name} has {size} bytes; at most {MAX_BYTES}", size=size, limit=MAX_BYTES)
    return document.read_bytes().decode(errors="replace")


def _small_enough(found: dict[str, Path]) -> dict[str, Path]:
    limits = dict.fromkeys((LABELS, CONFIG, PREPROCESSOR, TOKENIZER_CONFIG), MAX_TEXT_BYTES)
    return {name: path for name, path in found.items() if path.stat().st_size <= limits.get(name, MAX_FILE_BYTES)}
