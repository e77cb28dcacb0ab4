"""Choose: held-out rows are asked for a few finalists; what is not chosen keeps its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aimass.compression import wording
from aimass.compression.budget import rows_needed
from aimass.compression.choose import (
    MOST_FINALISTS,
    Candidate,
    bounded,
    confidence_each,
    expected,
    finalists,
    front,
    ordered,
    over,
    proof,
    unproven,
    useless,
)
from aimass.compression.contract import NotApplicable
from aimass.compression.evaluate import outputs_of
from aimass.compression.plan import UNWANTED
from aimass.compression.recipe import key, platform
from aimass.compression.registry import PASSES, Passes
from aimass.compression.result import Record, loss_from_json, once, read
from aimass.compression.splits import rows_for_held_out
from aimass.compression.statistics import Loss
from aimass.compression.steps.candidates import candidates, refusal
from aimass.compression.steps.compress import lost_model
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
        tried = [*(one.name for one in finalists(found, asked.limit, asked.wish.objective)), *order]
        chosen = next((name for name in final if verdicts[name]["verdict"] == "passed"), None)
        if chosen is not None:
            verdicts[chosen]["verdict"] = "chosen"
        return {
            "chosen": chosen,
            "reason": verdicts[chosen]["reason"] if chosen else _left_alone(folder, asked, verdicts, tried),
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
    rows, place = 0, folder.candidate(name)
    if lost := lost_model(place):
        return {"rows": rows, "failed": lost["refused"]["reason"], "metrics": {}}
    try:
        judged = judge_on(folder, asked, HELD_OUT)
        rows = len(judged.rows)
        found = outputs_of(place.model, judged.rows)
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
    if measured[name]["failed"] is not None:
        return {"verdict": "rejected", "reason": f"It does not answer held-out rows: {measured[name]['failed']}"}
    return _proven(one, loss_from_json(measured[name]["metrics"][limit.metric]["loss"]), asked, len(measured))


def _not_asked(one: Candidate, others: int, asked: Asked) -> dict[str, str]:
    if asked.ask.made_up:
        return {"verdict": "rejected", "reason": _no_proof(one, asked)}
    rest = f"held-out rows were asked for {_counted(others, 'other')}, which promise{'s'[: others == 1]} more."
    bound = expected(one.loss, asked.limit.rows, asked.limit.finalists)
    if bound > asked.limit.most:
        return {"verdict": "not asked", "reason": f"{_doubt(one, bound, asked)}; {rest}"}
    told = f"It may be within the budget; {rest}"
    if asked.limit.finalists < MOST_FINALISTS:
        wanted = rows_for_held_out(rows_needed(asked.budget, confidence_each(MOST_FINALISTS)))
        told += f" {asked.held_out} such rows tell of {asked.limit.finalists} at most; {wanted} examples would of all."
    return {"verdict": "not asked", "reason": told}


def _doubt(one: Candidate, bound: float, asked: Asked) -> str:
    """Why choosing rows don't let expect that held-out rows prove it."""
    limit = asked.limit
    told = f"would show {bounded(bound, limit)}" if math.isfinite(bound) else "would show no bound"
    return (
        f"On {one.loss.rows} choosing rows {limit.told(one.loss.estimate)}; the {limit.rows} held-out rows, were they "
        f"alike, {told}, and allowed are {limit.most:g}"
    )


def _proven(one: Candidate, loss: Loss, asked: Asked, finalists: int) -> dict[str, str]:
    limit, told = asked.limit, wording.gain(one.smaller, one.faster)
    if asked.ask.made_up and loss.estimate <= limit.most:
        told += f"; what was done changes no answer, and on {loss.rows} made-up rows {limit.told(loss.estimate)}"
        return {"verdict": "passed", "reason": f"{told}."}
    if reason := unproven(loss, limit, finalists):
        return {"verdict": "rejected", "reason": reason}
    return {"verdict": "passed", "reason": f"{told}; on {loss.rows} held-out rows {proof(loss, limit, finalists)}."}


def _no_proof(one: Candidate, asked: Asked) -> str:
    return (
        f"{wording.gain(one.smaller, one.faster)}, and nothing proves what it loses: all rows were made up; on "
        f"{one.loss.rows} of them {asked.limit.told(one.loss.estimate)}. {_send(asked)}, and it may be chosen."
    )


def _send(asked: Asked) -> str:
    return f"Send {rows_for_held_out(rows_needed(asked.budget))} examples or more"


def _left_alone(folder: Folder, asked: Asked, verdicts: Mapping[str, Mapping[str, str]], order: Sequence[str]) -> str:
    """Never without a reason: the first candidate's, or that of the first pass that had nothing to do."""
    left_out = (read(folder.planned) or {}).get("left_out", {})
    if not verdicts and "all" in left_out:
        return str(left_out["all"])
    first = next(iter([*order, *verdicts]), None)
    if first is None:
        told = "There is nothing that could be tried for this model."
        why = next((f"{name}: {one}" for name, one in sorted(left_out.items()) if one != UNWANTED), "")
    else:
        worth = "is worth having and within the budget" if order else "could be made and compared"
        told = f"The original is best left alone: none of {_counted(len(verdicts), 'candidate')} {worth}."
        why = f"The first of them, {first}: {verdicts[first]['reason']}"
    if asked.ask.made_up and _send(asked) not in why:
        told += f" {_send(asked)}, and more can be tried."
    return f"{told} {why}".strip()


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s'[: count != 1]}"
