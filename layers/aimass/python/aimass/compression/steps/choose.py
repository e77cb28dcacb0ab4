"""Choose: held-out rows are asked for a few finalists; what is not chosen keeps its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aimass.compression.choose import Candidate, confidence_each, finalists, front, ordered, over, unproven, useless
from aimass.compression.contract import NotApplicable
from aimass.compression.evaluate import outputs_of
from aimass.compression.recipe import digest_of, key, platform
from aimass.compression.result import Record, loss_from_json, once, read
from aimass.compression.steps.candidates import candidates, refusal
from aimass.compression.steps.evaluate import judge_on
from aimass.compression.steps.folder import HELD_OUT, Asked, Folder


def choose(folder: Folder, asked: Asked, names: Sequence[str]) -> Record:
    """Leaves `chosen.json`.

    `chosen`: a name, or None where the original is best left alone, and the `reason`. `verdicts` by candidate:
    `chosen`, `passed` (a variant too, proven to be within the budget), `not asked` or `rejected`, and why. `held_out`:
    what was measured for those that were asked. `front`: candidates that no other beats in size, speed and loss
    together; `order`: by the objective.
    """
    found = candidates(folder, asked, names)
    seen = [[name, read(folder.candidate(name).compressed), read(folder.candidate(name).evaluated)] for name in names]
    wanted = key("choose", platform(), folder.digest, digest_of(folder.rows(HELD_OUT)), asked.to_json(), seen)

    def make() -> Record:
        final = asked_for(folder, asked, names)
        measured = {name: _measured(folder, asked, name, confidence_each(len(final))) for name in final}
        verdicts = {name: _verdict(name, refusal(folder, name), measured, found, asked) for name in names}
        order = [one.name for one in ordered(found, asked.wish.objective)]
        chosen = next((name for name in final if verdicts[name]["verdict"] == "passed"), None)
        if chosen is not None:
            verdicts[chosen]["verdict"] = "chosen"
        return {
            "chosen": chosen,
            "reason": verdicts[chosen]["reason"] if chosen else _left_alone(folder, verdicts, order),
            "verdicts": verdicts,
            "held_out": measured,
            "front": front(found),
            "order": order,
            "budget": asked.budget.document,
        }

    return once(folder.chosen, wanted, make)


def asked_for(folder: Folder, asked: Asked, names: Sequence[str]) -> list[str]:
    """Names of those that held-out rows are asked for: only their models are needed here."""
    return [one.name for one in finalists(candidates(folder, asked, names), asked.limit, asked.wish.objective)]


def _measured(folder: Folder, asked: Asked, name: str, confidence: float) -> Record:
    judged = judge_on(folder, asked, HELD_OUT)
    try:
        found = outputs_of(folder.candidate(name).model, judged.rows)
        metrics = judged.measures(found, asked.budget.metric, confidence)
    except NotApplicable as error:
        return {"rows": len(judged.rows), "failed": str(error), "metrics": {}}
    return {"rows": len(judged.rows), "failed": None, "metrics": metrics}


def _verdict(
    name: str, refused: str | None, measured: Mapping[str, Any], found: Sequence[Candidate], asked: Asked
) -> dict[str, str]:
    if refused is not None:
        return {"verdict": "rejected", "reason": refused}
    one, limit = next(one for one in found if one.name == name), asked.limit
    if reason := useless(one, asked.wish.objective) or over(one, limit):
        return {"verdict": "rejected", "reason": reason}
    if name not in measured:
        told = f"It may be within the budget; held-out rows were asked for {len(measured)} others, which promise more."
        return {"verdict": "not asked", "reason": told}
    if measured[name]["failed"]:
        return {"verdict": "rejected", "reason": f"It does not answer held-out rows: {measured[name]['failed']}"}
    metrics = measured[name]["metrics"]
    loss = loss_from_json(metrics[limit.metric]["loss"])
    if reason := unproven(loss, limit):
        return {"verdict": "rejected", "reason": reason}
    told = f"{one.smaller:.2f} times smaller" + (f", {one.faster:.2f} times faster" if one.faster else "")
    proof = f"{limit.told(loss.estimate)}, at most {loss.upper:.4f} with {loss.confidence:.2%} confidence"
    return {"verdict": "passed", "reason": f"{told}; on {loss.rows} held-out rows {proof}, allowed are {limit.most:g}."}


def _left_alone(folder: Folder, verdicts: Mapping[str, Mapping[str, str]], order: Sequence[str]) -> str:
    left_out = (read(folder.planned) or {}).get("left_out", {})
    if not verdicts:
        return str(left_out.get("all", "There is nothing that could be tried for this model."))
    told = f"The original is best left alone: none of {len(verdicts)} candidates is worth having and within the budget."
    nearest = next(iter(order), None)
    return told if nearest is None else f"{told} The first of them, {nearest}: {verdicts[nearest]['reason']}"
