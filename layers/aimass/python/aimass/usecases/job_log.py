"""What a job's owner can read of its course: plain sentences, never payloads, never signed URLs."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from aimass.domain.conversion import Conversion, Replay
from aimass.domain.description import Description
from aimass.domain.files import ModelFiles
from aimass.domain.model import TensorSpec
from aimass.domain.ports import ModelRegistry
from aimass.usecases.import_results import IdentifiedModel, VerifiedModel

MAX_MESSAGE = 2000
_MOST_NAMED = 8
_MIB = 1 << 20
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobLog:
    """The log of one step of a job's attempt."""

    registry: ModelRegistry
    tenant: str
    job_id: str
    attempt: int
    step: str

    def write(self, message: str) -> None:
        """Adds a line, cut to 2,000 characters. A line that can't be kept ends no job."""
        text = message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 1]}…"
        try:
            self.registry.log(self.tenant, self.job_id, self.attempt, self.step, text)
        except Exception:
            logger.exception("a line of job %s's log was lost", self.job_id)


def described_files(files: ModelFiles) -> str:
    """How many files, how many bytes."""
    count = len(files.files)
    return f"{count} {'file' if count == 1 else 'files'} with {files.size} bytes"


def described_identified(found: IdentifiedModel, left_out: tuple[str, ...]) -> str:
    """What `identify` recognised."""
    opset = ", ".join(f"{domain} {version}" for domain, version in found.opset.items())
    known = [
        f"opset {opset}" if opset else "",
        f"{found.parameter_count} parameters" if found.parameter_count else "",
        *(f"{key} {value}" for key, value in found.facts.items()),
        described_files(found.model),
        f"the model is {found.model.main}",
    ]
    made = f", made by {found.framework}" if found.framework else ""
    text = f"recognised as {found.format}{made}: {', '.join(part for part in known if part)}"
    return f"{text}; left out: {_named(left_out)}" if left_out else text


def described_conversion(conversion: Conversion) -> list[str]:
    """What a conversion did, and how near its answers are to the original's."""
    replay, tools = conversion.replay, ", ".join(f"{name} {version}" for name, version in conversion.tools.items())
    lines = [
        f"converted {conversion.format} of {conversion.framework or 'an unknown library'} to ONNX in"
        f" {conversion.seconds:.1f} s with {conversion.memory_bytes / _MIB:.0f} MB of memory; {tools}",
        f"isolation: {conversion.isolation}",
        f"{replay.rows} rows of {replay.samples} inputs through both models"
        f"{', and beside the outputs that were expected' if replay.expected else ''}: {_differences(replay)}",
    ]
    if conversion.scan:
        lines.insert(1, f"scan: {conversion.scan}")
    return lines + [f"note: {note}" for note in conversion.notes]


def _differences(replay: Replay) -> str:
    numbers = [one for one in replay.differences if one.largest_absolute is not None]
    told = []
    if numbers:
        worst = max(numbers, key=lambda one: (not one.within, one.largest_absolute))
        told.append(
            f"the largest difference is {worst.largest_absolute:.3g} (relative {worst.largest_relative or 0:.3g})"
            f" in {worst.output}"
        )
    agreeing = [one for one in replay.differences if one.agreement is not None]
    told += [f"{one.agreement:.2%} of the rows agree in {one.output}" for one in agreeing]
    return f"{_named(told) or 'no output could be compared'}; {'within' if replay.within else 'BEYOND'} the tolerance"


def described_verified(found: VerifiedModel, *, on_sample: bool) -> list[str]:
    """What `verify` saw."""
    measured = found.measurements
    kept = found.optimized
    return [
        f"inputs: {_specs(found.inputs)}; outputs: {_specs(found.outputs)}",
        f"ran {measured.runs} times on {'the sample' if on_sample else 'generated inputs'} with onnxruntime"
        f" {measured.onnxruntime}: loading took {measured.load_ms:.3g} ms, a prediction {measured.p50_ms:.3g} ms"
        f" (p50) and {measured.p99_ms:.3g} ms (p99), memory {measured.memory_bytes / _MIB:.0f} MB",
        f"the optimised graph is kept: {kept.size} bytes"
        if kept
        else f"no optimised graph is kept: {found.optimized_note or 'the runtime made none'}",
    ]


def described_description(description: Description | None) -> str:
    """Which parts a description has, and which of them nobody wrote."""
    if description is None:
        return "no model description: it came without one, and nothing could be inferred"
    parts = ("labels", "image", "text", "table", "classes", "batching", "nan_cells")
    has = ", ".join(part for part in parts if getattr(description, part)) or "nothing"
    return f"the model description has {has}; inferred of it: {_named(description.inferred) or 'nothing'}"


def _specs(specs: tuple[TensorSpec, ...]) -> str:
    return _named(f"{spec.name} {spec.datatype} {list(spec.shape)}" for spec in specs)


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    rest = len(listed) - _MOST_NAMED
    return ", ".join(listed[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
