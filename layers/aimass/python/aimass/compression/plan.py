"""Which recipes are worth trying for a model, the most promising first, and what is not tried, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from aimass.compression.contract import Ask, Options, Pass, Profile
from aimass.compression.contract import Stage as Kind
from aimass.compression.names import MOST_RECIPES
from aimass.compression.recipe import Recipe, Stage

Objective = Literal["size", "latency", "balanced"]
#: Why a pass is left out that is not among the methods.
UNWANTED = "It was not asked for."

# A pass's second proposal is for where its first fails, so it comes after other passes' that promise as much.
_LATER = 0.85
_HINTS = ("gain", "methods", "name")  # of a proposal, for the planner
# What is pruned is tried after what is not: each amount of pruning lets so many more go first.
_BEHIND = 0.75


@dataclass(frozen=True)
class Wish:
    """What the user asks for. `methods`: words of passes; None leaves it to the platform."""

    objective: Objective = "balanced"
    methods: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Plan:
    """`left_out` gives a reason for each pass, or recipe, that is not tried."""

    recipes: tuple[Recipe, ...]
    left_out: Mapping[str, str]


@dataclass(frozen=True)
class _Proposal:
    stage: Stage
    name: str
    promise: float
    at: int = 0  # among its pass's own


def plan(profile: Profile, ask: Ask, wish: Wish, passes: Mapping[str, Pass]) -> Plan:
    """Raises ValueError for methods that no pass has."""
    _known(wish, passes)
    if profile.locked:
        return Plan((), {"all": f"The model is left as it is: {profile.locked}."})
    left_out: dict[str, str] = {}
    found = {kind: _proposals(kind, profile, ask, wish, passes, left_out) for kind in _KINDS}
    recipes = _named(_combined(found, passes, chosen=wish.methods is not None))
    for recipe in recipes[MOST_RECIPES:]:
        left_out[recipe.name] = f"{MOST_RECIPES} recipes are tried at most, and others promise more."
    return Plan(tuple(recipes[:MOST_RECIPES]), left_out)


_KINDS: tuple[Kind, ...] = ("clean", "prune", "quantize")


def methods(passes: Mapping[str, Pass]) -> list[str]:
    """The words by which passes can be asked for."""
    return sorted({word for one in passes.values() for word in one.methods})


def _known(wish: Wish, passes: Mapping[str, Pass]) -> None:
    unknown = sorted(set(wish.methods or ()) - set(methods(passes)))
    if unknown:
        raise ValueError(f"methods: {', '.join(unknown)} is not known; there are {', '.join(methods(passes))}")


def _proposals(
    kind: Kind, profile: Profile, ask: Ask, wish: Wish, passes: Mapping[str, Pass], left_out: dict[str, str]
) -> list[_Proposal]:
    """The most promising first; equal ones in the order of the passes' names."""
    found = []
    for name, one in sorted(passes.items()):
        if one.stage != kind:
            continue
        options, reason = _offered(one, profile, ask, wish)
        if reason:
            left_out[name] = reason
        found += [_proposal(one, each, at, wish) for at, each in enumerate(options)]
    return sorted(found, key=lambda proposal: -proposal.promise)


def _offered(one: Pass, profile: Profile, ask: Ask, wish: Wish) -> tuple[Sequence[Options], str]:
    """What a pass proposes, or why it proposes nothing."""
    if one.stage != "clean" and wish.methods is not None and not set(wish.methods) & set(one.methods):
        return (), UNWANTED
    enough = replace(ask, rows=max(ask.rows, one.rows), made_up=False)
    if not one.propose(profile, enough):
        return (), f"There is nothing for it in a model of this kind ({profile.kind}) and for {ask.target}."
    if one.real_rows and ask.made_up:
        return (), f"It needs {one.rows} real rows, and there are none."
    if ask.rows < one.rows:
        return (), f"It needs {one.rows} rows for calibration, and there are {ask.rows}."
    proposed = one.propose(profile, ask)
    if not proposed:
        return (), "It needs rows of the user's own."
    asked = [each for each in proposed if _is_asked_for(each, one, wish)]
    return asked, "" if asked else UNWANTED


def _is_asked_for(options: Options, one: Pass, wish: Wish) -> bool:
    if one.stage == "clean" or wish.methods is None:
        return True
    return bool(set(wish.methods) & set(options.get("methods", one.methods)))


def _proposal(one: Pass, options: Options, at: int, wish: Wish) -> _Proposal:
    smaller, faster = options.get("gain", (1.0, 1.0))
    gains = {"size": smaller, "latency": faster, "balanced": (smaller * faster) ** 0.5}
    done = {name: value for name, value in options.items() if name not in _HINTS}
    return _Proposal(Stage(one.name, done), str(options["name"]), gains[wish.objective] * _LATER**at, at)


def _combined(
    found: Mapping[Kind, Sequence[_Proposal]], passes: Mapping[str, Pass], *, chosen: bool
) -> Iterator[Recipe]:
    """Cleaning, then at most one of each other kind. Cleaning alone only where nothing was chosen by the user."""
    clean = found["clean"][:1]
    nothing = _Proposal(Stage("", {}), "", 1.0)
    quantize = sorted([*found["quantize"], nothing], key=lambda proposal: -proposal.promise)
    prune = [nothing, *sorted(found["prune"], key=lambda proposal: proposal.at)]
    places = product(range(len(prune)), range(len(quantize)))
    for cut, packed in sorted(places, key=lambda place: (place[0] * _BEHIND + place[1], place[0])):
        done = [proposal for proposal in (prune[cut], quantize[packed]) if proposal.name]
        twice = len(done) == 2 and done[1].stage.name in passes[done[0].stage.name].includes
        if (done and not twice) or (not done and clean and not chosen):
            yield _recipe(clean, done)


def _recipe(clean: Sequence[_Proposal], done: Sequence[_Proposal]) -> Recipe:
    """Named by what is done beside cleaning."""
    name = "-".join(one.name for one in done or clean)
    return Recipe(name, tuple(one.stage for one in (*clean, *done)))


def _named(recipes: Iterable[Recipe]) -> list[Recipe]:
    """A name that is taken gets its last pass's."""
    named: dict[str, Recipe] = {}
    for recipe in recipes:
        name = recipe.name if recipe.name not in named else f"{recipe.name}.{recipe.stages[-1].name}"
        named[name] = replace(recipe, name=name)
    return list(named.values())
