"""Tree ensembles without what does not change any answer, bit by bit.

Left out: how often nodes were passed in training; where missing values go, if all go one way; weights of zero, where no
weight is negative, since a class without a score then never wins; splits whose two sides answer alike; branches that no
value can take after the splits before them; and double precision, where the features are floats and so are all sums.
"""

from __future__ import annotations

from collections.abc import Sequence

from aimass.compression.contract import Applied, Ask, NotApplicable, Options, Pass, Profile, Unit, Work
from aimass.compression.model_file import answers, close, file_bytes, load, name_nodes, open_session, save
from aimass.compression.passes._ensemble import OPERATORS
from aimass.compression.passes._made_up import made_up_feeds
from aimass.compression.passes._narrow_trees import narrow
from aimass.compression.passes._tree_reduction import reduce

_MOST_ROWS = 1024


def propose(profile: Profile, ask: Ask) -> Sequence[Options]:
    return ({"name": "lossless", "gain": [2.0, 1.5]},) if profile.kind == "trees" and not profile.locked else ()


def apply(work: Work, options: Options) -> Applied:
    model = load(work.source)
    name_nodes(model)
    spared = set(options.get("spare", ()))
    found = [node for node in model.graph.node if node.op_type in OPERATORS and node.name not in spared]
    if not found:
        raise NotApplicable("there is no ensemble of trees that this can read")
    notes = [f"{node.name}: {'in floats, ' if narrow(model, node) else ''}{reduce(node)}" for node in found]
    save(model, work.target)
    _prove(work)
    before, after = file_bytes(work.source), file_bytes(work.target)
    if after >= before:
        raise NotApplicable("the trees hold nothing that could be left out")
    return Applied([Unit(node.name, 1 / len(found)) for node in found], [*notes, f"{before:,} -> {after:,} bytes"])


def _prove(work: Work) -> None:
    source = open_session(work.source)
    feeds = work.rows.feeds(_MOST_ROWS) or made_up_feeds(source)
    if not close(answers(source, feeds), answers(open_session(work.target), feeds), 0):
        raise NotApplicable("an answer would change")


PASS = Pass(name="trees", stage="quantize", methods=("trees",), propose=propose, apply=apply, exact=True)
