"""The tokenizer of a Hugging Face folder as one file, made of its vocabulary where it has none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from aimass.domain.conversion import TOKENIZER
from aimass.formats.member import shown

_VOCABULARIES = ("vocab.txt", "vocab.json")
_SENTENCEPIECE = ("spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
_WRITES = "AutoTokenizer.from_pretrained(folder).save_pretrained(folder) writes one"


def write_tokenizer(folder: Path, out: Path) -> Iterator[str]:
    """Writes `tokenizer.json` into `out` if the folder has a vocabulary and no such file; what its owner ought to know.

    Texts are no part of the model: without a tokenizer it takes token ids.
    """
    there = [name for name in (*_VOCABULARIES, *_SENTENCEPIECE) if (folder / name).is_file()]
    if (folder / TOKENIZER).is_file() or not there:
        return
    lacks = f"it has no {TOKENIZER}, so texts can't be sent to it as they are"
    if there[0] in _SENTENCEPIECE:
        yield f"{lacks}; of {there[0]} alone none is made here: where sentencepiece is installed, {_WRITES}"
        return
    try:
        _fast(folder, there[0], out / TOKENIZER)
    except MemoryError:  # which says nothing of the vocabulary
        raise
    except Exception as error:  # whatever transformers makes of a vocabulary that is none
        said = shown(str(error).strip().splitlines()[0]) if str(error).strip() else type(error).__name__
        yield f"{lacks}, and none can be made of {there[0]} ({said}): {_WRITES}"
        return
    yield f"{TOKENIZER} was made of {there[0]}, so that texts can be sent as they are"


def _fast(folder: Path, name: str, path: Path) -> None:
    """Raises ValueError for a tokenizer of other words, as transformers makes one where it does not find the file."""
    import transformers

    made = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    known = made.get_vocab()
    if any(known.get(word) != number for word, number in _words(folder / name).items()):
        raise ValueError(f"{type(made).__name__} has other words")
    made.backend_tokenizer.save(str(path))


def _words(path: Path) -> dict[str, int]:
    """The number of each word: of its line, or as a JSON object tells. Raises ValueError for a file that holds none."""
    text = path.read_text("utf-8")
    told = json.loads(text) if path.suffix == ".json" else {word: at for at, word in enumerate(text.split("\n"))}
    if not isinstance(told, dict) or not told:
        raise ValueError("it is no object of words")
    told.pop("", None)  # behind the last line's end
    return told
