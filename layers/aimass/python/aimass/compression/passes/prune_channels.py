"""Structured pruning: channels of convolutions and neurons of feed-forward layers go, what is left is solved again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from aimass.compression.contract import Applied, Ask, NotApplicable, Options, Pass, Profile, Unit, Work
from aimass.compression.graph.channels import Atoms
from aimass.compression.graph.groups import Channelled, read_channels
from aimass.compression.graph.running import Feed, Running
from aimass.compression.graph.slicing import sliced, zeroed
from aimass.compression.model_file import Answers, close, divergence, load, refused, save
from aimass.compression.passes._choice import Plan, removed
from aimass.compression.passes._cost import by_products_too, by_weights, parameters
from aimass.compression.passes._importance import importance
from aimass.compression.passes._repair import Repair, split
from aimass.compression.passes._sensitivity import weighed

#: Fewer rows say too little for solving layers again: pruning without repair loses most of what a model can.
ROWS = 128
#: Fewer weights less are not worth a loss.
WORTH = 0.05
#: Between the cut model and the uncut one whose removed channels nothing reads.
CLOSE = 1e-3
_PROPOSED: tuple[Options, ...] = (
    {"name": "pruned30", "fewer": 0.3},
    {"name": "pruned50", "fewer": 0.5},
    {"name": "pruned50-fast", "fewer": 0.5, "products": True},
    {"name": "pruned70", "fewer": 0.7},
    {"name": "pruned70-fast", "fewer": 0.7, "products": True},
)


def propose(profile: Profile, ask: Ask) -> Sequence[Options]:
    """Without labels nothing tells what is lost beyond 30 %. In a transformer a weight is as much work as any other."""
    if profile.locked or not profile.floats or profile.kind not in ("convolution", "matmul") or ask.rows < ROWS:
        return ()
    if ask.made_up:
        return ()
    if not ask.labels:
        return _PROPOSED[:1]
    return _PROPOSED if profile.kind == "convolution" else _PROPOSED[:2]


def apply(work: Work, options: Options) -> Applied:
    """`fewer`: the share to lose of what can be cut, counted in weights, or with `products` in those, too.

    `spare`: names of groups to leave. `repair`: false for none.
    """
    if len(work.rows) < ROWS:
        raise NotApplicable(f"Pruning needs {ROWS} rows to solve layers again; there are {len(work.rows)}.")
    with refused("the graph cannot be pruned"):
        return _apply(work, options)


def _apply(work: Work, options: Options) -> Applied:
    read = read_channels(load(work.source))
    if not read.groups:
        raise NotApplicable("The graph has no channels that can be removed.")
    plan = Plan(options["fewer"], options.get("floor", 0.25), options.get("uniform", False), options.get("spare", ()))
    scores = weighed(read, importance(read, work.rows, work.folder), work.rows, work.folder)
    prices = by_products_too(read, work.rows, work.folder) if options.get("products") else by_weights(read)
    gone = removed(read, scores, prices, plan)
    if not len(gone):
        raise NotApplicable("Every layer is as narrow as runs well already.")
    kept = read.without(gone)
    if parameters(read, kept) > (1 - WORTH) * parameters(read, read.all_kept()):
        raise NotApplicable(f"Less than {WORTH:.0%} of the weights are in channels that can be removed.")
    model = sliced(read, kept)
    _check(read, kept, model, work)
    notes = _widths(read, kept)
    if options.get("repair", True):
        model, more = _repaired(read, kept, model, work)
        notes += more
    save(model, work.target)
    return Applied(_units(read, gone, work.profile.size), notes)


def _check(read: Channelled, kept: NDArray[np.bool_], model: onnx.ModelProto, work: Work) -> None:
    """Whatever the rules did not foresee in a graph ends here."""
    feed = work.rows.feeds()[0]
    with refused("without the channels the graph does not run"):
        answers = Running(model, work.folder)(feed)
    if not close(Running(zeroed(read, kept), work.folder)(feed), answers, CLOSE):
        raise NotApplicable("Without the channels the graph does not compute the same.")


def _repaired(
    read: Channelled, kept: NDArray[np.bool_], bare: onnx.ModelProto, work: Work
) -> tuple[onnx.ModelProto, list[str]]:
    """The repaired model, or the bare one where that answers rows it was not fitted on more like the original."""
    model = onnx.ModelProto()
    model.CopyFrom(bare)
    repair = Repair(read, kept, model, work.rows, work.folder)
    repair.run()
    feeds = split(work.rows)[1]
    original, before, after = (_answers(one, feeds, work.folder) for one in (read.graph.model, bare, model))
    off = divergence(original, before), divergence(original, after)
    note = f"Divergence from the original {off[0]:.4f} bare, {off[1]:.4f} repaired."
    return (model, [*repair.notes, note]) if off[1] < off[0] else (bare, [note, "Left bare."])


def _answers(model: onnx.ModelProto, feeds: Sequence[Feed], folder: Path) -> Answers:
    running = Running(model, folder)
    return [running(feed) for feed in feeds]


def _widths(read: Channelled, kept: NDArray[np.bool_]) -> list[str]:
    counts = [(layer.weight, len(layer.made.atoms), int(kept[layer.made.atoms].sum())) for layer in read.layers]
    total = parameters(read, read.all_kept())
    share = 1 - parameters(read, kept) / max(total, 1)
    widths = [f"{name}: {before} -> {after} channels" for name, before, after in counts if after < before]
    return [f"{share:.0%} of {total:,} weights in layers removed.", *widths]


def _units(read: Channelled, gone: Atoms, size: int) -> list[Unit]:
    """Groups that lost channels, each with the share of the model's bytes that it lost."""
    lost = {group.name: group.roots[np.isin(group.roots, gone)] for group in read.groups}
    return [Unit(name, _bytes(read, roots) / max(size, 1)) for name, roots in lost.items() if len(roots)]


def _bytes(read: Channelled, gone: Atoms) -> int:
    return 4 * (parameters(read, read.all_kept()) - parameters(read, read.without(gone)))


PASS = Pass("prune_channels", "prune", ("prune",), propose, apply, rows=ROWS, real_rows=True)
