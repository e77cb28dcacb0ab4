"""The sample input that came with a model, as its inputs want it; and the outputs that are expected of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from aimass.domain.datatypes import datatype_of, parse_type
from aimass.domain.errors import InvalidSample
from aimass.formats.member import shown
from aimass.sandbox.tasks.sample_file import is_unnamed, read_named
from aimass.sandbox.tasks.sample_values import typed
from aimass.sandbox.tasks.session import Feed

_NAMED, _SUGGESTED = 8, 3


def read_sample(path: Path, inputs: Sequence[Any], *, doubles: bool = False) -> Feed:
    """The sample as the model's inputs; what it holds besides them is ignored. Raises InvalidSample.

    With `doubles` numbers are not yet rounded to the single precision that an input may want.
    """
    return sample_of(read_named(path, inputs), inputs, doubles=doubles)


def sample_of(values: Mapping[str, Any], inputs: Sequence[Any], *, doubles: bool = False) -> Feed:
    """As `read_sample`, of values by name."""
    missing = [value.name for value in inputs if value.name not in values]
    if missing:
        lacks, has = ([shown(str(name)) for name in names[:_NAMED]] for names in (missing, [*values]))
        raise InvalidSample(f"the sample lacks the inputs {lacks}; it has {has}", missing=lacks, found=has)
    return {value.name: _fitted(value, values[value.name], doubles=doubles) for value in inputs}


def unread_notes(values: Mapping[str, Any], inputs: Sequence[Any]) -> Iterator[str]:
    """What the sample has that no input is called."""
    known = {value.name for value in inputs}
    unread = [shown(str(name)) for name in values if name not in known]
    if unread:
        more = f" and {len(unread) - _NAMED} more" if len(unread) > _NAMED else ""
        yield f"of the sample no input is called {', '.join(map(repr, unread[:_NAMED]))}{more}: left out"


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The sample of inputs that nothing is known of but their names: arrays of whatever types it has.

    Raises InvalidSample.
    """
    values = read_named(path, [SimpleNamespace(name=name, type="") for name in names])
    try:
        return {name: np.asarray(values[name]) for name in names if name in values}
    except ValueError as error:
        raise InvalidSample(f"the sample's rows differ in shape ({error})") from None


def read_outputs(path: Path, outputs: Sequence[Any]) -> Feed:
    """The outputs that are expected of a sample, those that the file names. Raises InvalidSample."""
    names = [shown(output.name) for output in outputs[:_NAMED]]
    if is_unnamed(path, outputs):
        form = ", ".join(f'"{name}": [...]' for name in names[:_SUGGESTED])
        more = " or fewer" if len(outputs) <= _SUGGESTED else " or others"
        text = f"the model has {len(outputs)} outputs: name those that are expected, as {{{form}}}{more}"
        raise InvalidSample(text, wanted=names)
    values = read_named(path, outputs)
    found = {output.name: output for output in outputs if output.name in values}
    if not found:
        raise InvalidSample(f"the expected outputs name none of the model's: {names}", wanted=names)
    return {name: _expected(output, values[name]) for name, output in found.items()}


def _expected(output: Any, value: Any) -> Any:
    try:
        return typed(parse_type(output.type), value, [])
    except (TypeError, ValueError, OverflowError, KeyError) as error:
        name = shown(output.name)
        text = f"the expected values of output '{name}' are no {datatype_of(output.type)} ({str(error)[:200]})"
        raise InvalidSample(text, output=name) from None


def _fitted(wanted: Any, value: Any, *, doubles: bool) -> Any:
    try:
        return typed(parse_type(wanted.type), value, list(wanted.shape or ()), doubles=doubles)
    except (TypeError, ValueError, OverflowError, KeyError) as error:
        raise _misfit(wanted, value, str(error)) from None


def _misfit(wanted: Any, value: Any, reason: str) -> InvalidSample:
    shape = [size if isinstance(size, int) else -1 for size in wanted.shape or ()]
    want = f"{datatype_of(wanted.type)} {shape}"
    got = f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else _described(value)
    name = shown(wanted.name)
    return InvalidSample(
        f"the sample does not fit input '{name}': it wants {want}, the sample has {got} ({reason[:200]})",
        input=name,
        wanted=want,
        got=got,
    )


def _described(value: Any) -> str:
    """The shape of nested lists, by their first items."""
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        value = value[0] if value else None
    return f"{type(value).__name__} {sizes}"
