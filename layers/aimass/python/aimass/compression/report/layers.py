"""What each layer got, stage by stage: from the notes of passes, which name a layer, a colon and what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aimass.compression.report.markup import LONGEST_TEXT, cut
from aimass.compression.rounding import rounded

MOST_LAYERS = 2_000  # of one stage in the document
MOST_NOTES = 50
LONGEST_NAME = 300
_LEFT, _SOLVED = "left in ", "error "


def stages_of(compressed: Mapping[str, Any], spared_by_repair: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Of a candidate that was made: each stage's pass, options, bytes after it, layers, and other notes."""
    recipe = {stage["pass"]: stage["options"] for stage in compressed["recipe"]["stages"]}
    return [_stage(made, recipe.get(made["pass"], {}), spared_by_repair) for made in compressed.get("stages", ())]


def _stage(made: Mapping[str, Any], options: Mapping[str, Any], spared: Sequence[str]) -> dict[str, Any]:
    shares = {str(name): float(share) for name, share in made["units"]}
    layers, notes = _sorted_out(made["notes"], shares)
    for name in options.get("spare", ()):
        by = "the repair: it cost the most" if name in spared else "its options"
        layers.setdefault(str(name), []).append(f"spared by {by}")
    told = [_layer(name, what, shares.get(name)) for name, what in layers.items()]
    return {
        "pass": made["pass"],
        "options": {name: value for name, value in options.items() if name != "spare"},
        "size": made["size"],
        "notes": [cut(str(note), LONGEST_TEXT) for note in notes[:MOST_NOTES]],
        "layers": told[:MOST_LAYERS],
        "layers_left_out": max(0, len(told) - MOST_LAYERS),
    }


def _sorted_out(notes: Sequence[str], shares: Mapping[str, float]) -> tuple[dict[str, list[str]], list[str]]:
    """Notes by layer, and those that are about none."""
    layers: dict[str, list[str]] = {name: [] for name in shares}
    others = []
    for note in notes:
        name, colon, what = str(note).rpartition(": ")
        if colon and (name in layers or what.startswith((_LEFT, _SOLVED))):
            layers.setdefault(name, []).append(f"repaired, {what}" if what.startswith(_SOLVED) else what)
        else:
            others.append(note)
    return layers, others


def _layer(name: str, what: Sequence[str], share: float | None) -> dict[str, Any]:
    told = "; ".join(what) or "changed"
    return {"name": cut(name, LONGEST_NAME), "got": cut(told, LONGEST_TEXT), "share": rounded(share)}
