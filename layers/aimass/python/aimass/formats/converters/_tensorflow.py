"""From a TensorFlow graph to an ONNX file, with the names that its owner gave."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aimass.domain.errors import ConversionFailed
from aimass.formats.converter import Converted, Wanted
from aimass.formats.converters import _onnx_file, _onnx_graph, _onnx_inputs, _tf2onnx_operators
from aimass.formats.member import shown

OPSET = 17
_WRITES = re.compile(r"(Resource)?(Assign|Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)|(Sparse)?Apply|CountUpTo).*")
_WAYS = (
    (
        re.compile(r"(String|Static)?(Regex|Split|Ngrams?|Lower|Upper)|String|Unicode|Ragged|Decode|Parse|Substr|As"),
        "export the part that takes tensors, such as the layers after TextVectorization: its inputs are numbers then",
    ),
    (
        re.compile(r".*(LookupTable|HashTable)"),
        "tables of words are taken with whole numbers or floats as values; export the part behind the others",
    ),
    (re.compile("TFL_"), "send the SavedModel or Keras model that it was made from"),
)
_NUMBERED = re.compile(r"^keras_tensor(_\d+)?$")
_WITHOUT_CHANCE = (
    "it draws random numbers: leave out the layers that vary its inputs in training, such as RandomFlip, and export it"
    " again, or send the .keras file"
)
_ELSE = "export the model without it, or convert it where it was trained"


@dataclass(frozen=True)
class Graph:
    """A graph without variables. `inputs` and `outputs` name its tensors, each with the name that ONNX gives it.

    `shapes` are those of outputs, by the name in ONNX, with None for a variable dimension, where they are known.
    `tables` are its lookup tables, keys and values by the table's shared name.
    """

    definition: Any
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    shapes: Mapping[str, Sequence[int | None]] = field(default_factory=dict)
    tables: Mapping[bytes, Any] = field(default_factory=dict)


def write(graph: Graph, folder: Path, framework: str) -> tuple[Converted, list[Wanted]]:
    """Writes the ONNX file, and tells its inputs. Raises ConversionFailed."""
    import tensorflow as tf
    from tf2onnx import tfonnx

    _tf2onnx_operators.register()
    with tf.Graph().as_default() as loaded, tf.device("/cpu:0"):
        tf.import_graph_def(graph.definition, name="")
        converted = tfonnx.process_tf_graph(
            loaded,
            opset=OPSET,
            continue_on_error=False,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            tensors_to_rename={**graph.inputs, **graph.outputs},
            initialized_tables=dict(graph.tables),
        )
    return finish(converted, folder, framework, graph.shapes)


def finish(
    converted: Any,
    folder: Path,
    framework: str,
    shapes: Mapping[str, Sequence[int | None]],
    copies: Mapping[str, str] | None = None,
) -> tuple[Converted, list[Wanted]]:
    """Writes what tf2onnx made of a graph. Raises ConversionFailed for operators that it left as they were.

    `copies` are outputs to be added, each with the name of the input or output that it is a copy of.
    """
    from tf2onnx import optimizer

    model = optimizer.optimize_graph(converted).make_model("model")
    if left := _onnx_graph.unknown_operators(model):
        refuse_unknown(left)
    _onnx_graph.add_copies(model.graph, copies or {})
    _onnx_file.tidy(model, shapes)
    _onnx_file.save(model, folder / _onnx_file.NAME)
    notes = _onnx_file.notes(model)
    return Converted(_onnx_file.NAME, (_onnx_file.NAME,), framework, notes=notes), _onnx_inputs.wanted(model)


def refuse_unknown(operators: Iterable[str]) -> None:
    """Raises ConversionFailed that names operators which ONNX lacks, and the way to do without the first."""
    names = sorted(set(operators))
    way = next((way for pattern, way in _WAYS for name in names if pattern.match(name)), _ELSE)
    told = ", ".join(shown(name) for name in names[:5])
    raise ConversionFailed(
        f"tf2onnx knows no way to write {told} as ONNX: {way}", operators=[shown(name) for name in names[:20]]
    )


def refuse_writes(operators: Iterable[str]) -> None:
    """Raises ConversionFailed if an answer changes a variable: the model keeps a state from call to call."""
    there = set(operators)
    if found := sorted(name for name in there if _WRITES.fullmatch(name)):
        random = any(name.startswith("StatelessRandom") for name in there)
        way = _WITHOUT_CHANCE if random else "export it with its state as inputs and outputs"
        raise ConversionFailed(
            f"an answer changes the model's variables ({', '.join(found[:3])}), so that it depends on the calls before;"
            f" {way}",
            operators=found[:20],
        )


def array(answer: Any) -> Any:
    """An answer as onnxruntime gives it: texts are no bytes."""
    import numpy as np

    if np.asarray(answer).dtype.kind not in "OS":
        return answer
    return np.vectorize(lambda text: text.decode("utf-8", "replace"), otypes=[object])(answer)


def named(wanted: Iterable[str], taken: Iterable[str] = (), suffix: str = "_out") -> Iterator[str]:
    """The names, those that are taken with a suffix: ONNX tells inputs and outputs apart by name alone."""
    there = set(taken)
    for name in wanted:
        free = next(one for one in _variants(name, suffix) if one not in there)
        there.add(free)
        yield free


def _variants(name: str, suffix: str) -> Iterator[str]:
    yield name
    if suffix:
        yield f"{name}{suffix}"
    yield from (f"{name}{suffix}_{number}" for number in range(1, 1 << 20))


def named_inputs(wanted: Iterable[str]) -> Iterator[str]:
    """The names; `input` for those that Keras numbers in the order in which a process makes them."""
    return named((_NUMBERED.sub("input", name) for name in wanted), suffix="")
