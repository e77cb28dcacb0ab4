"""Calls of different callers in one run, where the version's description says that rows don't influence each other.

Importing this loads no numpy: whoever has arrays to join has loaded it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from aimass.domain.description import Batching
from aimass.domain.model import Variant, Version
from aimass.inference.dataplane import Asked, DataPlane, Prediction, Value

#: A merged run takes about this long at most, so that nobody who was merged runs out of time.
_RUN_MS = 1000.0
#: A compression's passes that scale activations by the whole batch: there a caller's rows would change another's.
BY_BATCH = {"int8_dynamic"}

Outcome = Prediction | Exception


@dataclass(frozen=True)
class Wanted:
    """A prediction that a call asks for, and the data plane with the call's own deadline."""

    tenant: str
    asked: Asked
    plane: DataPlane


class _NotByRow(Exception):
    """An output has not one row for each row of the inputs."""


def batching_of(version: Version, variant: str | None = None) -> Batching | None:
    """How calls of a version run together; None where they may not, or where its shapes don't let them."""
    batching = version.description.batching if version.description else None
    if batching is None or any(spec.shape[:1] != (-1,) for spec in (*version.inputs, *version.outputs)):
        return None
    answers = _variant(version, variant)
    if answers is None or _mixes_rows(answers):
        return None
    row_ms = answers.measurements.p50_ms
    rows = int(_RUN_MS / row_ms) if row_ms > 0 else batching.max_batch
    return replace(batching, max_batch=min(batching.max_batch, rows)) if rows > 1 else None


def together_with(asked: Asked) -> Batching | None:
    """How many calls like this one run together, as `max_batch`; None where it runs alone."""
    batching = batching_of(asked.version, asked.variant)
    rows = _joinable_rows(asked) if batching else 0
    if batching is None or not rows or batching.max_batch < 2 * rows:
        return None
    return replace(batching, max_batch=batching.max_batch // rows)


def predict_all(wanted: Sequence[Wanted]) -> list[Outcome]:
    """What became of each, in order. What fits together runs together; a failing call never spoils another."""
    outcomes: dict[int, Outcome] = {}
    for members in _groups(wanted):
        together = [wanted[at] for at in members]
        outcomes.update(zip(members, _run_together(together), strict=True))
    return [outcomes[at] for at in range(len(wanted))]


def _groups(wanted: Sequence[Wanted]) -> Iterator[list[int]]:
    """Places of calls that fit together, as many rows as may run at once."""
    open_groups: dict[Hashable, tuple[list[int], int]] = {}
    for at, one in enumerate(wanted):
        form = _form(one)
        if form is None:
            yield [at]
            continue
        most = _most_rows(one.asked)
        members, rows = open_groups.get(form, ([], 0))
        if members and rows + _rows(one.asked) > most:
            yield members
            members, rows = [], 0
        open_groups[form] = ([*members, at], rows + _rows(one.asked))
    for members, _ in open_groups.values():
        yield members


def _form(one: Wanted) -> Hashable | None:
    """What calls must have in common to run together; None for one that runs alone."""
    asked = one.asked
    version = asked.version
    variant = _variant(version, asked.variant)
    if variant is None or batching_of(version, asked.variant) is None or not _joinable_rows(asked):
        return None
    # By bytes too: a name may have been taken down and given anew between two calls.
    model = (variant.name, variant.files.sha256)
    values = [asked.inputs[spec.name] for spec in version.inputs]
    shapes = tuple((value.dtype.str, value.shape[1:]) for value in values)
    return (one.tenant, version.model, version.number, model, tuple(asked.outputs), shapes)


def _joinable_rows(asked: Asked) -> int:
    """The rows that all inputs of the version have; 0 where they have no such thing in common."""
    import numpy as np

    specs, inputs = asked.version.inputs, asked.inputs
    if inputs.keys() != {spec.name for spec in specs}:
        return 0
    values = [inputs[spec.name] for spec in specs]
    if not all(isinstance(value, np.ndarray) and value.ndim > 0 for value in values):
        return 0
    counts = {len(value) for value in values}
    return counts.pop() if len(counts) == 1 else 0


def _run_together(together: Sequence[Wanted]) -> list[Outcome]:
    if len(together) > 1:
        with suppress(Exception):  # each is run alone then: it hears its own reason, and most get their answer
            return list(_merged(together))
    return [_outcome(one) for one in together]


def _outcome(one: Wanted) -> Outcome:
    try:
        return one.plane.predict(one.tenant, one.asked)
    except Exception as error:
        return error


def _merged(together: Sequence[Wanted]) -> Iterator[Prediction]:
    import numpy as np

    first = together[0]
    inputs = {name: np.concatenate([one.asked.inputs[name] for one in together]) for name in first.asked.inputs}
    prediction = first.plane.predict(first.tenant, replace(first.asked, inputs=inputs))
    rows = [_rows(one.asked) for one in together]
    if not all(isinstance(value, np.ndarray) and value.shape[:1] == (sum(rows),) for _, value in prediction.outputs):
        raise _NotByRow
    begin = 0
    for count in rows:
        part = slice(begin, begin + count)
        yield replace(prediction, outputs=tuple((spec, value[part]) for spec, value in prediction.outputs))
        begin += count


def _rows(asked: Asked) -> int:
    value: Value = next(iter(asked.inputs.values()))
    return len(value)


def _most_rows(asked: Asked) -> int:
    batching = batching_of(asked.version, asked.variant)
    return batching.max_batch if batching else 1


def _mixes_rows(variant: Variant) -> bool:
    return any(stage["pass"] in BY_BATCH for stage in variant.config.get("recipe", ()))


def _variant(version: Version, name: str | None) -> Variant | None:
    """What answers; None for a name that is unknown, which the data plane refuses."""
    with suppress(KeyError):
        return version.variant(name) if name else version.serving
    return None
