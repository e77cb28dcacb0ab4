"""The section that says how figures came about: rows, the promise, time, memory, machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.compression.report.markup import Html, element, name
from aimass.compression.report.words import lost, percent, what_is_lost

Report = Mapping[str, Any]


def measured(report: Report) -> list[Html]:
    return [*(element("p", told) for told in _told(report)), _facts(report)]


def _told(report: Report) -> list[str]:
    data, rows = report["data"], report["data"]["rows"]
    told = [
        f"Rows were split once, by a seed made of the data: {rows['calibration']:,} for calibration, "
        f"{rows['choosing']:,} to compare candidates, and {rows['held_out']:,} held out, which no step of "
        "this compression had seen when the finalists were asked. Rows that are equal count once.",
    ]
    if data["held_out_used"] and data["held_out_used"] < rows["held_out"]:
        told.append(f"Answers are large, so {data['held_out_used']:,} of the held-out rows were compared.")
    if data["made_up"]:
        told.append("The rows were made up: they calibrate ranges, they prove nothing about the model's real inputs.")
    if not data["labels"]:
        told.append("There were no labels, so candidates are held against what the original answers.")
    if data["notes"]:
        told.append(f"Of the data: {'; '.join(data['notes'])}.")
    return [*told, *([] if data["made_up"] else _promise(report["budget"])), _cost(report)]


def _promise(budget: Report) -> list[str]:
    if not budget["finalists"]:
        return []
    each, whole = percent(budget["confidence_each"]), percent(budget["confidence"])
    asked = f"Finalists that were asked: {budget['finalists']}, each at {each}"
    kept = f"so that whichever is chosen keeps the budget with {whole} confidence"
    return [f"The budget holds for the bound, not for the estimate. {asked}, {kept}. {_interval(budget['metric'])}"]


def _interval(metric: str) -> str:
    if metric == "agreement":
        return "The bound is Clopper and Pearson's, exact; of rows with several answers one of their mean, by betting."
    if metric == "accuracy":
        return (
            "Both models answer the same rows, so only rows on which they differ count: Tango's score interval of the "
            "paired difference; for rows with several answers a bound of their mean, by betting."
        )
    if metric in {"f1", "auc"}:
        return (
            "The bound is approximate: a paired bootstrap's, 2,000 resamples of rows, and what rows of the rarest "
            "class may lose that were not seen."
        )
    told = "The bound is that of the mean of what rows lose, by betting, a row counting 1 at most"
    return f"{told}; approximate, for the labels' spread is taken from these rows." if metric == "r2" else f"{told}."


def _cost(report: Report) -> str:
    one = next((one for one in report["candidates"] if one["cost"]), None)
    if one is None:
        return "No candidate was measured."
    speed = "" if one["faster"] else " Speed is not judged: the target is not at hand here."
    return (
        f"Times are of one prediction of one row with one thread, {one['cost']['runs']:,} runs or as many as time "
        "allowed; both models run in one process, in turn, loaded anew three times. Memory is what the process grows "
        "by while a model is loaded and answers once. The 99th percentile tells of what else the machine did, "
        f"too.{speed}"
    )


def _facts(report: Report) -> Html:
    model, machine, budget = report["model"], report["machine"], report["budget"]
    asked = report["asked"]
    methods = "all that fit" if asked["methods"] is None else ", ".join(asked["methods"])
    facts: dict[str, Html | str] = {
        "Budget": f"{what_is_lost(budget['metric'])}: {lost(budget['metric'], budget['most'])} at most",
        "Asked": f"objective {asked['objective']}, methods {methods}, target {asked['target']}",
        "Model": _graph(model),
        "SHA-256": name(model["sha256"]),
        "Processor": _processor(machine),
        "Versions": ", ".join(
            f"{key} {machine[key]}" for key in ("onnxruntime", "onnx", "numpy", "python") if machine.get(key)
        ),
    }
    rows = (element("dt", key) + element("dd", value) for key, value in facts.items() if value)
    return element("dl", *(Html(row) for row in rows), class_="facts")


def _graph(model: Report) -> str:
    many = sorted(model["operators"].items(), key=lambda one: (-one[1], one[0]))
    told = ", ".join(f"{count} {operator[:30]}" for operator, count in many[:8])
    rest = f" and {len(many) - 8} other kinds" if len(many) > 8 else ""
    return f"{model['kind']}, opset {model['opset']}: {told}{rest}"


def _processor(machine: Report) -> str:
    if not machine:
        return ""
    told = ", ".join(machine.get("instructions", ()))
    return f"{machine['processor']}{f' ({told})' if told else ''}, {machine['threads']} thread"
