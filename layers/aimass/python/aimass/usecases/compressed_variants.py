"""What a compression left, as a version's record holds it: variants, the compression itself, the job's candidates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from aimass.compression.registry import PASSES
from aimass.compression.report.markup import LONGEST_TEXT, cut
from aimass.domain.compression import MOST_VARIANTS, Candidate
from aimass.domain.errors import LimitExceeded
from aimass.domain.files import ModelFiles
from aimass.domain.model import ORIGINAL, Measurements, Variant, Version

MOST_CONFIG_BYTES = 4_000  # with 24 variants and all else a record keeps within the 400 KB of an item
_MOST_LISTED = 20
_LONGEST = 100
_NOTE = "optimized_note"
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Proven:
    """A candidate that keeps the budget and was verified, not yet registered. `note`: why it has no optimised graph."""

    name: str
    files: ModelFiles
    optimized: ModelFiles | None
    measurements: Measurements
    note: str | None = None


def proven_names(chosen: Document) -> list[str]:
    """Candidates that become variants: the chosen one, then those that passed, the best by the objective first."""
    verdicts = chosen["verdicts"]
    places = {name: at for at, name in enumerate(chosen["order"])}
    names = [name for name in verdicts if verdicts[name]["verdict"] in ("chosen", "passed")]
    return sorted(names, key=lambda name: (name != chosen["chosen"], places.get(name, len(places)), name))


def without(chosen: Document, refused: Mapping[str, str]) -> Document:
    """The verdicts, where some candidates turned out to be none that can be published.

    Where the chosen one is among them the best that passed takes its place.
    """
    if not refused:
        return chosen
    verdicts = {name: dict(verdict) for name, verdict in chosen["verdicts"].items()}
    for name, reason in refused.items():
        verdicts[name] = {"verdict": "rejected", "reason": f"It was not published: {reason}"}
    told = {**chosen, "verdicts": verdicts}
    if chosen["chosen"] not in refused:
        return told
    first, reason = chosen["chosen"], cut(refused[chosen["chosen"]], LONGEST_TEXT // 3)
    left = proven_names({**told, "chosen": None})
    if not left:
        text = f"The original is best left alone: what keeps the budget was not published. {first}: {reason}"
        return {**told, "chosen": None, "reason": text}
    verdicts[left[0]]["verdict"] = "chosen"
    text = f"{verdicts[left[0]]['reason']} {first} came first, and was not published: {reason}"
    return {**told, "chosen": left[0], "reason": text}


def named(made: Sequence[Proven], before: Version) -> dict[str, str]:
    """Under which name each is registered: its own, or with `.2`, `.3`, where other bytes have that already."""
    taken = {variant.name: variant.files.sha256 for variant in before.variants} | {"source": ""}
    names = {}
    for one in made:
        digest = one.files.sha256
        names[one.name] = next(name for name in _numbered(one.name) if taken.get(name, digest) == digest)
        taken[names[one.name]] = digest
    return names


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}.{number}" for number in count(2))


def with_variants(
    before: Version, made: Sequence[Proven], names: Mapping[str, str], configs: Mapping[str, dict[str, Any]]
) -> tuple[Variant, ...]:
    """The version's variants with these. One that is there keeps its bytes and what it was proven by.

    Raises LimitExceeded.
    """
    variants = {variant.name: variant for variant in before.variants}
    for one in made:
        known = variants.get(names[one.name])
        variants[names[one.name]] = _renewed(known, one) if known else _new(one, names[one.name], configs[one.name])
    used = sum(name != ORIGINAL for name in variants)
    if used > MOST_VARIANTS:
        raise LimitExceeded(
            f"version {before.number} would have {used} compressed variants; at most {MOST_VARIANTS}: remove some with"
            f" DELETE /api/v1/models/{before.model}/versions/{before.number}/variants/<name>, then retry the job",
            limit=MOST_VARIANTS,
            asked=used,
        )
    return tuple(variants.values())


def _renewed(known: Variant, one: Proven) -> Variant:
    config = {name: value for name, value in known.config.items() if name != _NOTE} | _noted(one)
    return replace(known, config=config, optimized=one.optimized, measurements=one.measurements)


def _new(one: Proven, name: str, config: dict[str, Any]) -> Variant:
    passes = [stage["pass"] for stage in config["recipe"]]
    pruned = any(PASSES[each].stage == "prune" for each in passes)
    given = config | _noted(one)
    return Variant(name, _word(config["recipe"]), pruned, given, one.files, one.optimized, one.measurements)


def _noted(one: Proven) -> dict[str, str]:
    return {_NOTE: one.note} if one.note else {}


def _word(recipe: Sequence[Document]) -> str | None:
    """How its weights are stored, as a user asks for it: int8, int4, fp16; None where they are as they were."""
    for stage in recipe:
        if PASSES[stage["pass"]].stage == "quantize":
            words = PASSES[stage["pass"]].methods
            of_bits = f"int{stage.get('options', {}).get('bits')}"
            return of_bits if of_bits in words else words[0]
    return None


def config_of(entry: Document, stages: Sequence[Document], report: Document, job_id: str) -> dict[str, Any]:
    """What a program wants to know of a variant; the report has all. `entry` is the report's of the candidate."""
    asked = report["asked"]
    told = {
        "recipe": [{"pass": stage["pass"], "options": _options(stage["options"])} for stage in stages],
        "job_id": job_id,
        "target": asked["target"],
        "objective": asked["objective"],
        "budget": report["budget"]["asked"],
        "verdict": entry["verdict"],
        **{name: entry[name] for name in ("smaller", "packed_smaller", "faster")},
        **{part: _losses(entry[part]) for part in ("choosing", "held_out")},
    }
    if len(json.dumps(told)) > MOST_CONFIG_BYTES:
        told["recipe"] = [{"pass": stage["pass"]} for stage in stages]
    return told


def _options(options: Document) -> dict[str, Any]:
    """Names of hundreds of layers are counted."""
    short: dict[str, Any] = {}
    for name, value in options.items():
        short[name] = [_cut(one) for one in value[:_MOST_LISTED]] if isinstance(value, list) else _cut(value)
        if isinstance(value, list) and len(value) > _MOST_LISTED:
            short[f"{name}_count"] = len(value)
    return short


def _cut(value: Any) -> Any:
    return cut(value, _LONGEST) if isinstance(value, str) else value


def _losses(part: Document | None) -> dict[str, Any] | None:
    if part is None:
        return None
    kept = ("estimate", "lower", "upper", "confidence")
    measured = {metric: one["loss"] for metric, one in part["metrics"].items() if one.get("loss")}
    losses = {metric: {name: loss[name] for name in kept} for metric, loss in measured.items()}
    return {"rows": part["rows"], "lost": losses}


def candidates_of(report: Document) -> dict[str, Candidate]:
    """As the job shows them once it has ended."""
    return {one["name"]: _candidate(one, report["budget"]["metric"]) for one in report["candidates"]}


def _candidate(one: Document, metric: str) -> Candidate:
    seen = ((one["choosing"] or {}).get("metrics", {}).get(metric) or {}).get("loss") or {}
    return Candidate(one["verdict"], one["smaller"], one["faster"], seen.get("estimate"), one["reason"])
