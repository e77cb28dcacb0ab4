"""How near a conversion came to its original: what is kept with the version, and what ends the import."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from aimass.domain.conversion import Conversion, Difference
from aimass.domain.cut import cut
from aimass.domain.errors import ConversionDrift
from aimass.domain.told import LARGEST, SMALLEST
from aimass.usecases.conversion_result import LeftModel, Proof
from aimass.usecases.import_results import IdentifiedModel

MAX_EXAMPLES_BYTES = 4000  # of rows that differ
_MOST_DIFFERENCES, _MOST_SHOWN, _MOST_NOTES = 50, 10, 20
_MOST_CAUSES, _MOST_TEXT, _LONGEST_NOTE = 2, 300, 400


def judged(identified: IdentifiedModel, model: LeftModel, proof: Proof, *, accept_drift: bool) -> Conversion:
    """The conversion as its version keeps it, within bounds."""
    kept = sorted(proof.replay.differences, key=lambda one: one.within)[:_MOST_DIFFERENCES]
    replay = replace(proof.replay, differences=tuple(_storable(one) for one in kept))
    return Conversion(
        format=identified.format,
        environment=str(identified.environment),
        framework=(model.framework or identified.framework)[:_MOST_TEXT],
        seconds=_number(proof.seconds) or 0.0,
        memory_bytes=proof.memory_bytes,
        tools={name[:100]: version[:100] for name, version in list(proof.tools.items())[:_MOST_NOTES]},
        replay=replay,
        scan=proof.scan and proof.scan[:_MOST_TEXT],
        isolation=proof.isolation[:_MOST_TEXT],
        drift_accepted=accept_drift and not replay.within,
        notes=tuple(cut(note, _LONGEST_NOTE) for note in model.notes[:_MOST_NOTES]),
    )


def _storable(one: Difference) -> Difference:
    return replace(
        one,
        output=one.output[:_MOST_TEXT],
        datatype=one.datatype[:100],
        largest_absolute=_number(one.largest_absolute),
        largest_relative=_number(one.largest_relative),
        agreement=_number(one.agreement),
        absolute=_number(one.absolute) or 0.0,
        relative=_number(one.relative) or 0.0,
    )


def _number(value: float | None) -> float | None:
    if value is None or abs(value) < SMALLEST:
        return value and 0.0
    return min(abs(value), LARGEST)


def drift(conversion: Conversion, examples: object) -> ConversionDrift:
    """The numbers of what lies beyond the tolerance, with rows to see it by."""
    beyond = [one for one in conversion.replay.differences if not one.within]
    told = "; ".join(_told(one) for one in beyond[:_MOST_SHOWN])
    causes = "".join(f" {cause}." for cause in conversion.causes[:_MOST_CAUSES])
    return ConversionDrift(
        f"the ONNX model answers otherwise than the original on {conversion.replay.rows} rows of"
        f" {conversion.replay.samples} inputs: {told}.{causes} Retry the job"
        " with accept_drift=true, or upload it so, to take it as it is",
        differences=msgspec.to_builtins(beyond[:_MOST_SHOWN]),
        rows=conversion.replay.rows,
        samples=conversion.replay.samples,
        **({"examples": examples} if examples and len(msgspec.json.encode(examples)) < MAX_EXAMPLES_BYTES else {}),
    )


def _told(one: Difference) -> str:
    if one.largest_absolute is None:
        return f"{one.output}: {one.agreement or 0:.2%} of the rows agree"
    allowed = f"{one.absolute:.3g} and {one.relative:.3g} of the value"
    return f"{one.output} differs by up to {one.largest_absolute:.3g}, where {allowed} may be"
