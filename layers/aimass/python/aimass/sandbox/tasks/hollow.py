"""What a proof does not show, though all of it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from aimass.formats.member import shown
from aimass.sandbox.tasks.compared import Array
from aimass.sandbox.tasks.judge import Judged


def hollow_notes(outputs: Sequence[str], judged: Mapping[str, Judged]) -> list[str]:
    """Outputs that the original never answers, or answers with NaN alone, or with the same in every row."""
    missing = [
        f"{shown(name)} is not compared: the original does not answer it" for name in outputs if name not in judged
    ]
    return missing + [f"{shown(name)}: {words}" for name, one in judged.items() for words in _hollow(one)]


def _hollow(judged: Judged) -> Iterator[str]:
    tables = [call.reference for call in judged.calls if call.misfit is None and call.reference.size]
    if not tables:
        yield from () if judged.misfit else ["the answers are all empty; send a sample that shows more"]
    elif all(table.dtype.kind == "f" and bool(np.isnan(table).all()) for table in tables):
        yield "the answers are all NaN; send a sample that shows more"
    elif sum(map(len, tables)) > 1 and _is_constant(tables):
        yield "the answers never vary; send a sample that shows more"


def _is_constant(tables: Sequence[Array]) -> bool:
    first = tables[0][0]
    return all(table.shape[1] == len(first) and bool((table == first).all()) for table in tables)
