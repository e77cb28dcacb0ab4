"""What a SavedModel's message says: its graph for serving, its signature, and what runs to answer it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from aimass.domain.errors import ConversionFailed
from aimass.formats.converters import _tensorflow_operators as operators
from aimass.formats.member import shown

DEFAULT = "serving_default"
_SERVE = "serve"
_NO_MODEL_INPUT = {"DT_RESOURCE", "DT_VARIANT", "DT_INVALID"}


def serving(path: Path) -> Any:
    """The graph for serving. Raises ConversionFailed if there are several and none is tagged so."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    message = SavedModel()
    message.ParseFromString(path.read_bytes())
    tagged = [one for one in message.meta_graphs if set(one.meta_info_def.tags) == {_SERVE}]
    if len(found := tagged or list(message.meta_graphs)) == 1:
        return found[0]
    tags = ["+".join(one.meta_info_def.tags) or "no tag" for one in message.meta_graphs]
    raise ConversionFailed(
        f"it holds {len(tags)} graphs ({shown(', '.join(tags))}), not one for serving; save it with the tag 'serve'"
    )


def signature(meta: Any) -> Any:
    """Its `serving_default`, or its only one. Raises ConversionFailed for none or several, and for no tensors."""
    there = {name: one for name, one in meta.signature_def.items() if not name.startswith("__") and one.outputs}
    chosen = there.get(DEFAULT) or (next(iter(there.values())) if len(there) == 1 else None)
    if chosen is None:
        names = sorted(map(shown, there))
        what = f"its signatures are {', '.join(names[:10])}" if names else "it has no signature"
        raise ConversionFailed(
            f"{what}; save it with signatures={{'{DEFAULT}': …}}, so that it is known what answers",
            signatures=names[:20],
        )
    for name, info in (*chosen.inputs.items(), *chosen.outputs.items()):
        if info.WhichOneof("encoding") != "name" or _type_name(info) in _NO_MODEL_INPUT:
            raise ConversionFailed(f"{shown(name)} is sparse, ragged or a resource; export it with dense tensors alone")
    return chosen


def _type_name(info: Any) -> str:
    from tensorflow.core.framework.types_pb2 import DataType

    return str(DataType.Name(info.dtype))


def refuse_checkpoints(meta: Any, outputs: Iterable[str]) -> None:
    """Raises ConversionFailed if answering, or opening, would write a checkpoint, or answering would read one."""
    graph = _Reach(meta.graph_def)
    prepared = [node for key in ("main_op", "legacy_init_op", "saved_model_main_op") for node in _collected(meta, key)]
    prepared += [
        one.name for key, sig in meta.signature_def.items() if "init_op" in key for one in sig.outputs.values()
    ]
    answering = graph.operators([*outputs, *prepared])
    restoring = graph.operators([meta.saver_def.restore_op_name])
    found = operators.matching(answering, (*operators.CHECKPOINT, *operators.RESTORE))
    found += operators.matching(restoring, operators.CHECKPOINT)
    if found:
        raise ConversionFailed(
            f"answering reads or writes files ({', '.join(found)}); export it without", operators=found
        )


def _collected(meta: Any, key: str) -> Sequence[str]:
    return list(meta.collection_def[key].node_list.value) if key in meta.collection_def else []


class _Reach:
    """Which operators run when a node does: those before it, and those of functions that they call."""

    def __init__(self, definition: Any) -> None:
        self._nodes = {node.name: node for node in definition.node}
        self._functions = {one.signature.name: one.node_def for one in definition.library.function}

    def operators(self, names: Iterable[str]) -> set[str]:
        found, seen = set[str](), set[str]()
        waiting = [name for name in names if name]
        while waiting:
            name = waiting.pop().lstrip("^").split(":")[0]
            if name in seen or name not in self._nodes:
                continue
            seen.add(name)
            found |= self._of(self._nodes[name], set())
            waiting.extend(self._nodes[name].input)
        return found

    def _of(self, node: Any, called: set[str]) -> set[str]:
        found = {node.op}
        for function in _functions(node):
            if function in self._functions and function not in called:
                called.add(function)
                for inner in self._functions[function]:
                    found |= self._of(inner, called)
        return found


def _functions(node: Any) -> Iterator[str]:
    """The names of functions that it may call: one's own name may stand for an operator's."""
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (one.name for one in value.list.func)
