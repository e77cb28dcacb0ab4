"""What a run found of one model, as tables and JSON take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.compression.catalogue import Entry
from benchmarks.compression.goals import GOALS
from benchmarks.compression.ours import Job, Variant
from benchmarks.compression.scoring import Score


@dataclass(frozen=True)
class Rival:
    """`failed` says why there is no score."""

    name: str
    score: Score | None
    failed: str = ""


@dataclass(frozen=True)
class Ours:
    """`digest` is of the variant's file; `again`: an earlier job published the same bytes."""

    job: Job
    variant: Variant
    score: Score
    digest: str = ""
    again: bool = False


@dataclass(frozen=True)
class Outcome:
    """`value` is what the original reaches on `rows` test rows, `p50_ms` of one row; `size` and `packed` are bytes."""

    entry: Entry
    about: Mapping[str, Any]
    size: int
    packed: int
    value: float
    p50_ms: float | None
    rivals: Sequence[Rival]
    jobs: Sequence[Job]
    ours: Sequence[Ours]

    def reached(self) -> list[tuple[bool, str]]:
        """For the goal and for the better one: whether a variant reaches it, which, or what the nearest lacks."""
        return [self._reached(at) for at in range(2)] if self.entry.kind in GOALS else []

    def _reached(self, at: int) -> tuple[bool, str]:
        goal = GOALS[self.entry.kind][at]
        lacking = [(goal.lacks(one.score.figures), one) for one in self.ours]
        if not lacking:
            return False, self.jobs[0].reason if self.jobs else "no job was run"
        lacks, nearest = min(lacking, key=lambda one: (len(one[0]), one[1].variant.verdict != "chosen"))
        return not lacks, f"{nearest.variant.name}: {', '.join(lacks)}" if lacks else nearest.variant.name

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.entry.name,
            "kind": self.entry.kind,
            "metric": self.entry.metric,
            "made": dict(self.about),
            "original": {"size": self.size, "packed": self.packed, "value": self.value, "p50_ms": self.p50_ms},
            "rivals": [
                {"name": one.name, "failed": one.failed, **({"score": asdict(one.score)} if one.score else {})}
                for one in self.rivals
            ],
            "jobs": [
                {
                    "budget": dict(job.budget),
                    "seconds": job.seconds,
                    "reason": job.reason,
                    "rejected": dict(job.rejected),
                }
                for job in self.jobs
            ],
            "ours": [
                {
                    "budget": dict(one.job.budget),
                    "variant": one.variant.name,
                    "verdict": one.variant.verdict,
                    "held_out": asdict(one.variant.held_out),
                    "score": asdict(one.score),
                }
                for one in self.ours
            ],
            "goals": [{"reached": reached, "why": why} for reached, why in self.reached()],
        }
