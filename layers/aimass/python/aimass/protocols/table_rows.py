"""Whether JSON rows are a table's cells or tensors: one rule for every wire that takes both."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import Version

Decoded = TypeVar("Decoded")


def decoded(version: Version, data: Any, decode: Callable[[Any], Decoded]) -> Decoded:
    """What `decode` makes of JSON rows or columns; null is NaN to a version whose description says so.

    Raises what `decode` does.
    """
    try:
        return decode(data)
    except InvalidArguments:
        if not takes_nan(version):
            raise
    return decode(_with_nan(data))


def takes_nan(version: Version) -> bool:
    """Whether missing cells of rows without names are NaN."""
    return bool(version.description and version.description.nan_cells)


def _with_nan(data: Any) -> Any:
    if isinstance(data, list):
        return [_with_nan(one) for one in data]
    if isinstance(data, dict):
        return {name: _with_nan(one) for name, one in data.items()}
    return math.nan if data is None else data


def are_cells(version: Version, rows: Sequence[Any]) -> bool:
    """Whether rows are cells by their columns' names, not tensors by their inputs'; where those are the same, cells.

    The first row says so, if all are objects.
    """
    table = version.description.table if version.description else None
    if not table or not rows or not all(isinstance(row, dict) for row in rows):
        return False
    if any(isinstance(cell, list | dict) for cell in rows[0].values()):
        return False
    columns = {column.name for column in table.columns}
    return rows[0].keys() <= columns or not rows[0].keys() & {spec.name for spec in version.inputs}
