"""Documents as the steps of a compression leave them, with as many candidates and layers as a test wants."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]
MB = 1_000_000


def loss(
    estimate: float | None, upper: float | None, lower: float | None, rows: int, confidence: float = 0.95
) -> Document:
    return {"estimate": estimate, "upper": upper, "lower": lower, "rows": rows, "confidence": confidence}


def metrics(
    lost: float | None, spread: float, rows: int, confidence: float = 0.95, metric: str = "accuracy"
) -> Document:
    bounds = (None, None) if lost is None else (lost + spread, lost - spread)
    values = (None, None) if metric in ("agreement", "divergence") else (0.9, None if lost is None else 0.9 - lost)
    told = {"original": values[0], "candidate": values[1], "loss": loss(lost, *bounds, rows, confidence)}
    return {metric: told, "divergence": {"original": None, "candidate": None, "loss": loss(0.02, 0.03, 0.01, rows)}}


def cost(milliseconds: float, memory: int | None = 5 * MB) -> Document:
    times = {"p50_ms": milliseconds * 1.1, "p99_ms": milliseconds * 2, "best_ms": milliseconds, "load_ms": 12.0}
    return {**times, "runs": 300, "memory_bytes": memory}


def candidate(
    name: str, size: int = 2 * MB, faster: float | None = 2.5, lost: float | None = 0.001, **more: Any
) -> Document:
    """`layers`: names, each of which got 8 bits."""
    layers, metric = more.pop("layers", ["conv1", "fc"]), more.pop("metric", "accuracy")
    stages = [
        {"pass": "clean", "options": {}},
        {"pass": "int8_static", "options": more.pop("options", {"per_channel": True})},
    ]
    made = [
        {"pass": "clean", "size": 4 * size, "units": [], "notes": ["folded: 10 -> 8 bytes"]},
        {
            "pass": "int8_static",
            "size": size,
            "units": [[layer, 1 / max(1, len(layers))] for layer in layers],
            "notes": more.pop("notes", [f"{layer}: 8 bits" for layer in layers]),
        },
    ]
    found = {"recipe": {"name": name, "stages": stages}, "refused": None, "stages": made}
    compressed = {**found, "size": size, "packed": size // 2, "sha256": "ab" * 32}
    evaluated = {
        "failed": None,
        "rows": 2000,
        "costs": {"original": cost(1.0), "candidate": cost(1.0 / (faster or 1.0))},
        "faster": faster,
        "unusable": None,
        "metrics": metrics(lost, 0.002, 2000, metric=metric),
    }
    return {"compressed": compressed, "evaluated": evaluated, "repaired": None, **more}


def refused(name: str, reason: str) -> Document:
    compressed = {"recipe": {"name": name, "stages": []}, "refused": {"pass": "prune_channels", "reason": reason}}
    return {"compressed": compressed, "evaluated": None, "repaired": None}


def documents(candidates: dict[str, Document], verdicts: dict[str, str], **more: Any) -> Document:
    """`verdicts` by name; held-out rows were asked for those that are chosen or passed. `metric`, `budget`: its own."""
    metric, budget = more.pop("metric", "accuracy"), more.pop("budget", 0.005)
    asked = [name for name, verdict in verdicts.items() if verdict in ("chosen", "passed")]
    held = {
        name: {"rows": 7000, "failed": None, "metrics": metrics(0.001, 0.002, 7000, 1 - 0.05 / len(asked), metric)}
        for name in asked
    }
    chosen = {
        "chosen": next((name for name, verdict in verdicts.items() if verdict == "chosen"), None),
        "reason": more.pop("reason", "The original is best left alone: none of 3 candidates is worth having."),
        "verdicts": {name: {"verdict": verdict, "reason": f"because of {name}"} for name, verdict in verdicts.items()},
        "held_out": held,
        "front": asked,
        "order": list(candidates),
        "budget": {f"{metric}_drop": budget},
    }
    profile = {"kind": "convolution", "nodes": {"Conv": 2}, "weights": {"Conv": 100}, "size": 8 * MB, "opset": 17}
    planned = {
        "original": {"size": 8 * MB, "packed": 7 * MB, "sha256": "cd" * 32},
        "profile": {**profile, "floats": True, "locked": None},
        "recipes": [],
        "left_out": more.pop("left_out", {"trees": "There is nothing for it."}),
    }
    told = {
        "ask": {"target": "lambda-x86", "rows": 512, "made_up": False, "labels": True},
        "wish": {"objective": "balanced", "methods": None},
        "budget": {"metric": metric, "loss": budget},
        "reading": {"kind": "columns", "output": "scores"},
        "held_out": 7000,
    }
    return {"asked": told, "planned": planned, "chosen": chosen, "candidates": candidates, **more}


def usual(**more: Any) -> Document:
    """One chosen, one passed, one not asked, one over the budget, one that could not be made."""
    found = {
        name: candidate(name, size=(at + 1) * MB, lost=0.03 if name == "broken" else 0.001)
        for at, name in enumerate(["small", "safe", "other", "broken"])
    }
    found["pruned"] = refused("pruned", "too few channels")
    verdicts = dict(zip(found, ("chosen", "passed", "not asked", "rejected", "rejected"), strict=True))
    return documents(found, verdicts, **more)
