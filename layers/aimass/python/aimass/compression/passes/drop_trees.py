"""Fewer trees, weighted anew: those are kept whose weighted sum is nearest to that of all, on unlabelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aimass.compression.contract import Applied, Ask, NotApplicable, Options, Pass, Profile, Unit, Work
from aimass.compression.model_file import answers, load, name_nodes, open_session, save
from aimass.compression.passes._ensemble import LEAF, OPERATORS, Ensemble, read, write
from aimass.compression.passes._narrow_trees import narrow
from aimass.compression.passes._quantizer import check
from aimass.compression.passes._tree_reduction import reduce

_LEAST_TREES, _LEAST_ROWS, _MOST_ROWS = 8, 128, 1024
_RIDGE = 1e-3
_BRANCHES = {
    b"BRANCH_LEQ": np.less_equal,
    b"BRANCH_LT": np.less,
    b"BRANCH_GTE": np.greater_equal,
    b"BRANCH_GT": np.greater,
    b"BRANCH_EQ": np.equal,
    b"BRANCH_NEQ": np.not_equal,
}


def propose(profile: Profile, ask: Ask) -> Sequence[Options]:
    if profile.kind != "trees" or profile.locked or ask.made_up or ask.rows < _LEAST_ROWS:
        return ()
    return tuple({"name": f"droptrees{percent}", "percent": percent} for percent in (50, 75))


def apply(work: Work, options: Options) -> Applied:
    model = load(work.source)
    name_nodes(model)
    found = [node for node in model.graph.node if node.op_type in OPERATORS]
    if len(found) != 1 or len(work.rows) < _LEAST_ROWS:
        raise NotApplicable(f"it takes one ensemble of trees and {_LEAST_ROWS} rows")
    narrow(model, found[0], exact=False)
    ensemble = read(found[0])
    roots = ensemble.roots()
    if len(roots) < _LEAST_TREES or ensemble.attribute("aggregate_function", b"SUM") != b"SUM":
        raise NotApplicable(f"only sums of {_LEAST_TREES} trees and more can do with fewer")
    features = _features(model, found[0], work).astype(ensemble.nodes["values"].dtype)
    each = np.stack([tree_scores(ensemble, root, features) for root in roots.values()])
    count = max(1, round(len(roots) * (1 - int(options["percent"]) / 100)))
    weights = _nearest(each.reshape(len(roots), -1), count, keeps_sum=_are_shares(ensemble))
    kept = [at for root, weight in zip(roots.values(), weights, strict=True) if weight for at in ensemble.walk(root)]
    _scale(ensemble, dict(zip(roots, weights, strict=True)))
    write(ensemble, sorted(kept))
    reduce(found[0])
    save(model, work.target)
    check(work)
    left = int(np.count_nonzero(weights))
    note = f"{found[0].name}: {len(roots)} -> {left} trees"
    return Applied([Unit(found[0].name, 1.0)], [note])


def _features(model: Any, node: Any, work: Work) -> Any:
    """What the trees see of the rows, [rows, features]."""
    path = work.folder / "features.onnx"
    asked = type(model).FromString(model.SerializeToString())
    names = {value.name for value in asked.graph.input}
    if node.input[0] in names:
        return np.concatenate([feed[node.input[0]] for feed in work.rows.feeds(_MOST_ROWS)])
    del asked.graph.output[:]
    asked.graph.output.add().name = node.input[0]
    save(asked, path)
    return np.concatenate([call[0] for call in answers(open_session(path), work.rows.feeds(_MOST_ROWS))])


def tree_scores(ensemble: Ensemble, root: int, features: Any) -> Any:
    """What one tree adds, [rows, targets]. Raises NotApplicable for branches of other kinds."""
    nodes, order = ensemble.nodes, ensemble.walk(root)
    if {nodes["modes"][at] for at in order} - _BRANCHES.keys() - {LEAF}:
        raise NotApplicable("the trees branch in ways that are not known")
    targets = 1 + max((target for weights in ensemble.leaves.values() for target, _ in weights), default=0)
    scores = np.zeros((len(features), targets), np.float64)
    waiting = [(root, np.arange(len(features)))]
    while waiting:
        at, rows = waiting.pop()
        if nodes["modes"][at] == LEAF:
            for target, weight in ensemble.leaves.get(ensemble.key(at), ()):
                scores[rows, target] += weight
            continue
        values = features[rows, nodes["featureids"][at]]
        goes = _BRANCHES[nodes["modes"][at]](values, nodes["values"][at])
        goes = np.where(np.isnan(values), bool(nodes["missing_value_tracks_true"][at]), goes)
        waiting += [(ensemble.child(at, "true"), rows[goes]), (ensemble.child(at, "false"), rows[~goes])]
    return scores


def _are_shares(ensemble: Ensemble) -> bool:
    """Whether a class's score is a mean of trees, whose weights then must go on to make one.

    A regressor's leaves, if they are classes' scores, have several that sum to the same.
    """
    leaves = [np.array([weight for _, weight in weights], np.float64) for weights in ensemble.leaves.values()]
    if min((one.min() for one in leaves), default=-1) < 0 or ensemble.attribute("post_transform", b"NONE") != b"NONE":
        return False
    sums = [one.sum() for one in leaves]
    several = ensemble.attribute("n_targets", 1) > 1
    return ensemble.prefix == "class" or (several and bool(np.allclose(sums, sums[0], rtol=1e-6)))


def _nearest(each: Any, count: int, *, keeps_sum: bool) -> Any:
    """Weights of the trees, `count` of them not zero: chosen one by one, each time the one that helps most."""
    gram = each @ each.T
    towards = gram.sum(axis=1)
    gram = gram + np.eye(len(gram)) * _RIDGE * np.trace(gram) / len(gram)
    chosen: list[int] = []
    weights = np.zeros(len(gram))
    for _ in range(count):
        gain = (towards - gram @ weights) / np.sqrt(np.diag(gram) + 1e-30)
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
        solved = np.linalg.solve(gram[np.ix_(chosen, chosen)], towards[chosen])
        weights[:] = 0
        weights[chosen] = np.maximum(solved, 0)
    if keeps_sum:
        weights *= len(gram) / weights.sum()
    return weights


def _scale(ensemble: Ensemble, weights: dict[int, float]) -> None:
    for key, entries in ensemble.leaves.items():
        ensemble.leaves[key] = [(target, type(weight)(weight * weights[key[0]])) for target, weight in entries]


PASS = Pass(
    name="drop_trees",
    stage="prune",
    methods=("prune", "trees"),
    propose=propose,
    apply=apply,
    rows=128,
    real_rows=True,
    includes=("trees",),
)
