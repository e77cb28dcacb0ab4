"""The report as one JSON document. Its form is written down in ADR 66; `version` counts changes that break readers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.compression.report.layers import MOST_NOTES, stages_of
from aimass.compression.report.markup import LONGEST_TEXT, cut
from aimass.compression.report.words import sentence
from aimass.compression.rounding import rounded

VERSION = 1
Document = dict[str, Any]
_LONGEST_NAME = 300
_VERDICTS = ("chosen", "passed", "not asked", "rejected")


def report_of(documents: Mapping[str, Any]) -> Document:
    """Of what the steps left: `asked`, `planned`, `chosen`, and `candidates` by name, each with what there is of
    `compressed`, `evaluated` and `repaired`. `prepared`, `model` (its name and version), `machine` and `variants` (the
    names that candidates were registered under) may be left out.
    """
    asked, planned, chosen = documents["asked"], documents["planned"], documents["chosen"]
    told = _candidates(documents)
    report: Document = {
        "version": VERSION,
        "model": _model(documents.get("model") or {}, planned),
        "budget": _budget(asked, chosen),
        "asked": {**asked["wish"], "target": asked["ask"]["target"]},
        "data": _data(documents),
        "verdict": {"chosen": _name(chosen["chosen"]), "reason": cut(str(chosen["reason"]), LONGEST_TEXT)},
        "original": _original(planned, told),
        "candidates": told,
        "not_tried": [
            {"name": _name(name), "reason": cut(str(why), LONGEST_TEXT)}
            for name, why in sorted(planned["left_out"].items())
        ],
        "machine": _machine(documents),
    }
    report["verdict"]["sentence"] = sentence(report)
    return report


def _model(model: Mapping[str, Any], planned: Mapping[str, Any]) -> Document:
    profile = planned["profile"]
    known = {key: profile[key] for key in ("kind", "opset", "locked")}
    operators, weights = (dict(list(profile[key].items())[:200]) for key in ("nodes", "weights"))
    named = {"name": _name(model.get("name")), "version": _name(model.get("version"))}
    return {**named, "sha256": planned["original"]["sha256"], **known, "operators": operators, "weights": weights}


def _budget(asked: Mapping[str, Any], chosen: Mapping[str, Any]) -> Document:
    """`confidence` is of the whole: that of each finalist, shared."""
    losses = [
        loss
        for held in chosen["held_out"].values()
        if (loss := held["metrics"].get(asked["budget"]["metric"], {}).get("loss"))
    ]
    each = max((loss["confidence"] for loss in losses), default=0.95)
    whole = round(1 - (1 - each) * max(1, len(chosen["held_out"])), 6)
    return {
        "asked": chosen.get("budget"),
        "metric": asked["budget"]["metric"],
        "most": asked["budget"]["loss"],
        "confidence": whole if losses else 0.95,
        "confidence_each": rounded(each),
        "finalists": len(chosen["held_out"]),
    }


def _data(documents: Mapping[str, Any]) -> Document:
    asked = documents["asked"]
    seen = [one["evaluated"].get("rows", 0) for one in documents["candidates"].values() if one.get("evaluated")]
    judged = [held["rows"] for held in documents["chosen"]["held_out"].values()]
    rows = {
        "calibration": asked["ask"]["rows"],
        "choosing": max(seen, default=0),
        "held_out": asked["held_out"],
    }
    kinds = {key: asked["ask"][key] for key in ("labels", "made_up")}
    prepared = documents.get("prepared") or {}
    notes = [cut(str(note), LONGEST_TEXT) for note in prepared.get("notes", ())[:MOST_NOTES]]
    told = {"rows": rows, "held_out_used": max(judged, default=0), "seen": prepared.get("seen"), "notes": notes}
    return {**told, **kinds, "reading": asked["reading"]["kind"]}


def _candidates(documents: Mapping[str, Any]) -> list[Document]:
    """In the order in which they are told: by verdict, then by the objective. Each has its number from there."""
    chosen = documents["chosen"]
    place = {name: at for at, name in enumerate(chosen["order"])}

    def rank(name: str) -> tuple[int, int, str]:
        return _VERDICTS.index(chosen["verdicts"][name]["verdict"]), place.get(name, len(place)), name

    names = sorted(chosen["verdicts"], key=rank)
    return [_candidate(documents, name, at) for at, name in enumerate(names, 1)]


def _candidate(documents: Mapping[str, Any], name: str, at: int) -> Document:
    one, chosen, original = (
        documents["candidates"].get(name) or {},
        documents["chosen"],
        documents["planned"]["original"],
    )
    made, seen = one.get("compressed") or {}, one.get("evaluated") or {}
    repair, size, packed = _repair(documents, name), made.get("size"), made.get("packed")
    costs, held = seen.get("costs") or {}, chosen["held_out"].get(name) or {}
    return {
        "number": at,
        "name": _name(name),
        "verdict": chosen["verdicts"][name]["verdict"],
        "reason": cut(str(chosen["verdicts"][name]["reason"]), LONGEST_TEXT),
        "variant": (documents.get("variants") or {}).get(name),
        "front": name in chosen["front"],
        "sha256": made.get("sha256"),
        "size": size,
        "packed": packed,
        "smaller": rounded(original["size"] / size) if size else None,
        "packed_smaller": rounded(original["packed"] / packed) if packed else None,
        "faster": rounded(seen.get("faster")),
        "cost": rounded(costs.get("candidate")),
        "original_cost": rounded(costs.get("original")),
        "choosing": {"rows": seen["rows"], "metrics": rounded(seen["metrics"])} if seen.get("metrics") else None,
        "held_out": _kept(held, documents["asked"]["budget"]) if held.get("metrics") else None,
        "stages": stages_of(made, (repair or {}).get("spared", ())) if made else [],
        "repair": repair,
    }


def _kept(held: Mapping[str, Any], budget: Mapping[str, Any]) -> Document:
    """Rounded, but no bound that keeps the budget over it."""
    told: Document = rounded(held)
    exact, shown = (one["metrics"].get(budget["metric"], {}).get("loss") for one in (held, told))
    if exact and exact["upper"] is not None and exact["upper"] <= budget["loss"]:
        shown["upper"] = min(shown["upper"], budget["loss"])
    return told


def _repair(documents: Mapping[str, Any], name: str) -> Document | None:
    """What the repair made this of, or why it could do nothing for it."""
    tried = {of: one["repaired"] for of, one in documents["candidates"].items() if one.get("repaired")}
    for of, done in tried.items():
        if done["recipe"] and done["recipe"]["name"] == name:
            told = {key: rounded(done[key]) for key in ("pass", "lost", "applications")}
            return {"of": _name(of), "spared": [_name(unit) for unit in done["spared"]][:2_000], **told}
    refused = (tried.get(name) or {}).get("refused")
    return {"refused": cut(str(refused), LONGEST_TEXT)} if refused else None


def _original(planned: Mapping[str, Any], candidates: list[Document]) -> Document:
    """Its figures are those measured beside the candidate that is told first."""
    beside: Document = next((one for one in candidates if one["cost"]), {})
    judged = next((one["held_out"] for one in candidates if one["held_out"]), beside.get("choosing"))
    metrics = {name: found["original"] for name, found in (judged or {}).get("metrics", {}).items()}
    sizes = {key: planned["original"][key] for key in ("size", "packed", "sha256")}
    return {**sizes, "cost": beside.get("original_cost"), "beside": beside.get("name"), "metrics": metrics}


def _machine(documents: Mapping[str, Any]) -> Document:
    """Where the candidates were measured, as far as that was kept."""
    seen = (one["evaluated"].get("machine") for one in documents["candidates"].values() if one.get("evaluated"))
    return dict(documents.get("machine") or next((one for one in seen if one), {}))


def _name(text: Any) -> str | None:
    return None if text is None else cut(str(text), _LONGEST_NAME)
