"""Choose: held-out rows are asked for a few finalists; what is not chosen keeps its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aimass.compression.budget import rows_needed
from aimass.compression.choose import (
    MOST_FINALISTS,
    Candidate,
    confidence_each,
    finalists,
    front,
    ordered,
    over,
    unproven,
    useless,
)
from aimass.compression.contract import NotApplicable
from aimass.compression.evaluate import outputs_of
from aimass.compression.recipe import key, platform
from aimass.compression.registry import PASSES, Passes
from aimass.compression.result import Record, loss_from_json, once, read
from aimass.compression.splits import rows_for_held_out
from aimass.compression.statistics import Loss
from aimass.compression.steps.candidates import candidates, refusal
from aimass.compression.steps.evaluate import judge_on
from aimass.compression.steps.folder import HELD_OUT, Asked, Folder


def choose(folder: Folder, asked: Asked, names: Sequence[str], passes: Passes = PASSES) -> Record:
    """Leaves `chosen.json`.

    `chosen`: a name, or None where the original is best left alone, and the `reason`. `verdicts` by candidate:
    `chosen`, `passed` (a variant too, proven to be within the budget), `not asked` or `rejected`, and why. `held_out`:
    what was measured for those that were asked. `front`: candidates that no other beats in size, speed and loss
    together; `order`: by the objective.

    Rows that were made up prove nothing: of those only candidates are chosen whose passes change no answer.
    """
    found = candidates(folder, asked, names)

    def make() -> Record:
        final = asked_for(folder, asked, names, passes)
        measured = {name: _measured(folder, asked, name, confidence_each(len(final))) for name in final}
        verdicts = {name: _verdict(name, refusal(folder, name), measured, found, asked) for name in names}
        order = [one.name for one in ordered(found, asked.wish.objective)]
        promising = [one.name for one in finalists(found, asked.limit, asked.wish.objective)]
        chosen = next((name for name in final if verdicts[name]["verdict"] == "passed"), None)
        if chosen is not None:
            verdicts[chosen]["verdict"] = "chosen"
        return {
            "chosen": chosen,
            "reason": verdicts[chosen]["reason"] if chosen else _left_alone(folder, verdicts, [*promising, *order]),
            "verdicts": verdicts,
            "held_out": measured,
            "front": front(found),
            "order": order,
            "budget": asked.budget.document,
        }

    return once(folder.chosen, choose_key(folder, asked, names), make)


def choose_key(folder: Folder, asked: Asked, names: Sequence[str]) -> str:
    """Under which it was chosen already."""
    seen = [[name, read(folder.candidate(name).compressed), read(folder.candidate(name).evaluated)] for name in names]
    return key("choose", platform(), folder.digest, folder.rows_digest(HELD_OUT), asked.to_json(), seen)


def asked_for(folder: Folder, asked: Asked, names: Sequence[str], passes: Passes = PASSES) -> list[str]:
    """Names of those that held-out rows are asked for: only their models are needed here."""
    found = candidates(folder, asked, names)
    limit = asked.limit
    if asked.ask.made_up:
        found, limit = [one for one in found if _exact(folder, one.name, passes)], replace(limit, finalists=len(found))
    return [one.name for one in finalists(found, limit, asked.wish.objective)]


def _exact(folder: Folder, name: str, passes: Passes) -> bool:
    """Whether nothing that was done to it changes an answer."""
    stages = (read(folder.candidate(name).compressed) or {})["recipe"]["stages"]
    return all(passes[stage["pass"]].exact for stage in stages)


def _measured(folder: Folder, asked: Asked, name: str, confidence: float) -> Record:
    rows = 0
    try:
        judged = judge_on(folder, asked, HELD_OUT)
        rows = len(judged.rows)
        found = outputs_of(folder.candidate(name).model, judged.rows)
        metrics = judged.measures(found, asked.budget.metric, confidence)
    except NotApplicable as error:
        return {"rows": rows, "failed": str(error), "metrics": {}}
    return {"rows": rows, "failed": None, "metrics": metrics}


def _verdict(
    name: str, refused: str | None, measured: Mapping[str, Any], found: Sequence[Candidate], asked: Asked
) -> dict[str, str]:
    if refused is not None:
        return {"verdict": "rejected", "reason": refused}
    one, limit = next(one for one in found if one.name == name), asked.limit
    if reason := useless(one, asked.wish.objective) or over(one, limit):
        return {"verdict": "rejected", "reason": reason}
    if name not in measured:
        return _not_asked(one, len(measured), asked)
    if measured[name]["failed"]:
        return {"verdict": "rejected", "reason": f"It does not answer held-out rows: {measured[name]['failed']}"}
    return _proven(one, loss_from_json(measured[name]["metrics"][limit.metric]["loss"]), asked)


def _not_asked(one: Candidate, others: int, asked: Asked) -> dict[str, str]:
    if asked.ask.made_up:
        return {"verdict": "rejected", "reason": _no_proof(one, asked)}
    told = f"It may be within the budget; held-out rows were asked for {others} others, which promise more."
    if asked.limit.finalists < MOST_FINALISTS:
        wanted = rows_for_held_out(rows_needed(asked.budget, confidence_each(MOST_FINALISTS)))
        told += f" {asked.held_out} such rows tell of {asked.limit.finalists} at most; {wanted} examples would of all."
    return {"verdict": "not asked", "reason": told}


def _proven(one: Candidate, loss: Loss, asked: Asked) -> dict[str, str]:
    limit, told = asked.limit, _gain(one)
    if asked.ask.made_up and loss.estimate <= limit.most:
        told += f"; what was done changes no answer, and on {loss.rows} made-up rows {limit.told(loss.estimate)}"
        return {"verdict": "passed", "reason": f"{told}."}
    if reason := unproven(loss, limit):
        return {"verdict": "rejected", "reason": reason}
    proof = f"{limit.told(loss.estimate)}, at most {loss.upper:.4f} with {loss.confidence:.2%} confidence"
    return {"verdict": "passed", "reason": f"{told}; on {loss.rows} held-out rows {proof}, allowed are {limit.most:g}."}


def _gain(one: Candidate) -> str:
    return f"{one.smaller:.2f} times smaller" + (f", {one.faster:.2f} times faster" if one.faster else "")


def _no_proof(one: Candidate, asked: Asked) -> str:
    rows = rows_for_held_out(rows_needed(asked.budget))
    return (
        f"{_gain(one)}, and nothing proves what it loses: all rows were made up; on {one.loss.rows} of them "
        f"{asked.limit.told(one.loss.estimate)}. Send {rows} examples or more, and it may be chosen."
    )


def _left_alone(folder: Folder, verdicts: Mapping[str, Mapping[str, str]], order: Sequence[str]) -> str:
    left_out = (read(folder.planned) or {}).get("left_out", {})
    if not verdicts:
        return str(left_out.get("all", "There is nothing that could be tried for this model."))
    told = f"The original is best left alone: none of {len(verdicts)} candidates is worth having and within the budget."
    nearest = next(iter(order), None)
    return told if nearest is None else f"{told} The first of them, {nearest}: {verdicts[nearest]['reason']}"
