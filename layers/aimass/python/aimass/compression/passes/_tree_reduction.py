"""An ensemble without what changes no answer: nodes merged, weights of zero left out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from aimass.compression.passes._ensemble import LEAF, Ensemble, read, write

_LEQ = b"BRANCH_LEQ"
# Of two classes, the runtime takes one without a score for a model that gives the other's alone.
_CLASSES = 3


def reduce(node: Any) -> str:
    ensemble = read(node)
    nodes, weights = len(ensemble.index), sum(map(len, ensemble.leaves.values()))
    kept: list[int] = []
    for root in ensemble.roots().values():
        kept += _merged(ensemble, root)
    _without_zeros(ensemble, {ensemble.key(at) for at in kept})
    write(ensemble, sorted(kept))
    left = sum(len(ensemble.leaves.get(ensemble.key(at), ())) for at in kept)
    return f"{nodes:,} -> {len(kept):,} nodes, {weights:,} -> {left:,} weights"


def _merged(ensemble: Ensemble, root: int) -> list[int]:
    """What of a tree is left. The root keeps its place, since the runtime takes a tree's first node for it."""
    order = ensemble.walk(root)
    ways = _taken(ensemble, root)
    stands: dict[int, int] = {}  # for each node the one that answers in its place
    for at in reversed(order):
        stands[at] = at
        if ensemble.nodes["modes"][at] == LEAF or at not in ways:
            continue
        sides = {side: stands[ensemble.child(at, side)] for side in ways[at]}
        if len(sides) == 1:
            (stands[at],) = sides.values()
        elif _same_leaf(ensemble, *sides.values()):
            stands[at] = sides["true"]
        else:
            for side, child in sides.items():
                ensemble.nodes[f"{side}nodeids"][at] = ensemble.nodes["nodeids"][child]
    if stands[root] != root:
        return order if ensemble.nodes["modes"][root] == LEAF else _as_root(ensemble, root, stands[root])
    return ensemble.walk(root)


def _as_root(ensemble: Ensemble, root: int, instead: int) -> list[int]:
    """Gives the root what another node is."""
    for name, array in ensemble.nodes.items():
        if name not in ("treeids", "nodeids"):
            array[root] = array[instead]
    ensemble.leaves[ensemble.key(root)] = ensemble.leaves.get(ensemble.key(instead), [])
    return ensemble.walk(root)


def _same_leaf(ensemble: Ensemble, one: int, other: int) -> bool:
    if not ensemble.nodes["modes"][one] == ensemble.nodes["modes"][other] == LEAF:
        return False
    return _bits(ensemble, one) == _bits(ensemble, other)


def _bits(ensemble: Ensemble, at: int) -> list[tuple[int, bytes]]:
    return [(target, weight.tobytes()) for target, weight in ensemble.leaves.get(ensemble.key(at), ())]


def _taken(ensemble: Ensemble, root: int) -> dict[int, tuple[str, ...]]:
    """The sides that a value can take at each split that is reached, after the splits before.

    A value that is missing goes to the false side, unless the split says otherwise; such splits tell nothing.
    """
    modes, values = ensemble.nodes["modes"], ensemble.nodes["values"].tolist()
    features, missing = ensemble.nodes["featureids"].tolist(), ensemble.nodes["missing_value_tracks_true"].tolist()
    found: dict[int, tuple[str, ...]] = {}
    waiting: list[tuple[int, dict[int, float], dict[int, float]]] = [(root, {}, {})]
    while waiting:
        at, least, most = waiting.pop()
        if modes[at] == LEAF:
            continue
        feature, value, plain = features[at], values[at], modes[at] == _LEQ and not missing[at]
        if plain and feature in most and most[feature] <= value:
            found[at] = ("true",)
        elif plain and feature in least and least[feature] >= value:
            found[at] = ("false",)
        else:
            found[at] = ("true", "false")
        for side in found[at]:
            lower, upper = least, most
            if plain and len(found[at]) == 2:
                lower, upper = (least, most | {feature: value}) if side == "true" else (least | {feature: value}, most)
            waiting.append((ensemble.child(at, side), lower, upper))
    return found


def _without_zeros(ensemble: Ensemble, kept: set[tuple[int, int]]) -> None:
    """A leaf keeps one weight at least, and every class one somewhere: the runtime counts them."""
    given = [float(weight) for key in kept for _, weight in ensemble.leaves.get(key, ())]
    base, transform = ensemble.attribute("base_values", ()), ensemble.attribute("post_transform", b"NONE")
    aggregate = ensemble.attribute("aggregate_function", b"SUM")
    if base or min(given, default=-1.0) < 0 or transform != b"NONE" or aggregate != b"SUM":
        return
    left = Counter(target for key in kept for target, _ in ensemble.leaves.get(key, ()))
    if ensemble.prefix == "class" and len(left) < _CLASSES:
        return
    for key in sorted(kept & ensemble.leaves.keys()):
        weights = ensemble.leaves[key]
        if not any(weight for _, weight in weights):
            continue
        staying = []
        for target, weight in weights:
            if weight == 0 and left[target] > 1:
                left[target] -= 1
            else:
                staying.append((target, weight))
        ensemble.leaves[key] = staying
