"""What the inputs and outputs of a TensorFlow Lite model are called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aimass.formats.converters import _tensorflow as tensorflow
from aimass.formats.converters._layer_names import by_layer

_MADE_UP = re.compile(r"^serving_default_|:\d+$")
_NO_NAME = re.compile(r"^(StatefulPartitionedCall|PartitionedCall|Identity|output)(_\d+)?$")


def named(interpreter: Any, model: Any) -> tuple[list[str], list[str]]:
    """Names of inputs and outputs, in their order: those of the only signature, else what is left of the tensors' own.

    An output that has neither is called after its layer, where the file still tells it.
    """
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    given, answered = _signed(interpreter)
    names = list(tensorflow.named_inputs(_names(inputs, given, "input")))
    own = list(tensorflow.named(_names(outputs, answered, "output")))
    tensors = _tensors(model)
    sources = [_source(model, tensors, one["index"]) for one in outputs]
    layers = by_layer(dict(zip(own, sources, strict=True)), tensors)
    return names, list(tensorflow.named(layers, names))


def _signed(interpreter: Any) -> tuple[dict[int, str], dict[int, str]]:
    """The signature's names, by the number of the tensor."""
    if len(interpreter.get_signature_list()) != 1:
        return {}, {}
    runner = interpreter.get_signature_runner()
    return _by_index(runner.get_input_details()), _by_index(runner.get_output_details())


def _by_index(details: Mapping[str, Any]) -> dict[int, str]:
    return {one["index"]: name for name, one in details.items()}


def _names(details: Sequence[Any], signed: Mapping[int, str], kind: str) -> Iterator[str]:
    for index, one in enumerate(details):
        name = signed.get(one["index"])
        own = _MADE_UP.sub("", one["name"])
        yield name or (f"{kind}_{index}" if not own or _NO_NAME.match(own) else own)


def _tensors(model: Any) -> list[str]:
    graph = model.Subgraphs(0)
    return [(graph.Tensors(index).Name() or b"").decode("utf-8", "replace") for index in range(graph.TensorsLength())]


def _source(model: Any, tensors: Sequence[str], output: int) -> str | None:
    """A name with the layer in it: that of the weights of what makes the output, or of what it is made from."""
    graph = model.Subgraphs(0)
    for operator in (graph.Operators(number) for number in range(graph.OperatorsLength())):
        if output in [operator.Outputs(place) for place in range(operator.OutputsLength())]:
            made_from = [operator.Inputs(place) for place in reversed(range(min(2, operator.InputsLength())))]
            return next((name for one in made_from if one >= 0 and "/" in (name := tensors[one])), None)
    return None
