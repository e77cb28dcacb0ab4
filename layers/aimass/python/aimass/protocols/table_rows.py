"""Whether JSON rows are a table's cells or tensors: one rule for every wire that takes both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aimass.domain.model import Version


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
