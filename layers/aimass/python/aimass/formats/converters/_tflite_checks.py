"""What a TensorFlow Lite file holds that neither runs safely nor converts, read before the interpreter sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aimass.domain.errors import ConversionFailed, InvalidModel
from aimass.formats.converters import _tensorflow_operators as operators
from aimass.formats.converters._tensorflow_allowed import computes
from aimass.formats.member import shown

_FLEX = "Flex"  # an operator of TensorFlow itself, in a file of TensorFlow Lite
_VARIABLES = re.compile(r"VAR_HANDLE|ASSIGN_VARIABLE|READ_VARIABLE")
_TABLES = re.compile(r"CALL_ONCE|HASHTABLE.*")
_HYBRID = (
    "its weights are whole numbers and its inputs floats: TensorFlow Lite rounds the values between its layers, the"
    " ONNX model does not, so that their answers differ slightly; accept_drift takes it so"
)
_SOURCE = "send the SavedModel or Keras model that it was made from"


def checked(model: Any) -> tuple[str, ...]:
    """What its owner ought to know.

    Raises ConversionFailed for operators that reach out of the graph, keep a state, or no converter knows.
    """
    custom, builtin = _operators(model)
    operators.refuse_others(_flex(model), computes)
    if foreign := sorted(
        name for name in custom if not name.startswith(_FLEX) and name != "TFLite_Detection_PostProcess"
    ):
        raise ConversionFailed(
            f"it needs the custom operator {', '.join(foreign[:5])}; {_SOURCE}", operators=foreign[:20]
        )
    _refuse_state(builtin)
    if _is_sparse(model):
        raise ConversionFailed(f"its weights are stored sparse, which tf2onnx can't read; {_SOURCE}")
    return (_HYBRID,) if _is_hybrid(model) else ()


def _refuse_state(builtin: set[str]) -> None:
    if variables := sorted(name for name in builtin if _VARIABLES.fullmatch(name)):
        raise ConversionFailed(
            f"it keeps variables from call to call ({', '.join(variables)}); {_SOURCE}, with that state as inputs and"
            " outputs",
            operators=variables,
        )
    if tables := sorted(name for name in builtin if _TABLES.fullmatch(name)):
        text = f"it looks values up in a table that is filled when it starts ({', '.join(tables)}); {_SOURCE}"
        raise ConversionFailed(text, operators=tables)


def _operators(model: Any) -> tuple[set[str], set[str]]:
    """The names of its custom operators, and of those that TensorFlow Lite has itself."""
    from tf2onnx.tflite.BuiltinOperator import BuiltinOperator

    names = {value: name for name, value in vars(BuiltinOperator).items() if isinstance(value, int)}
    custom, builtin = set[str](), set[str]()
    for index in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(index)
        if code.CustomCode() is not None:
            custom.add(code.CustomCode().decode("utf-8", "replace"))
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        builtin.add(names.get(number, f"operator {number}"))
    return custom, builtin


def _flex(model: Any) -> set[str]:
    """The operators of TensorFlow itself: what runs is named by each one's options, whatever its code says."""
    from tensorflow.core.framework.node_def_pb2 import NodeDef
    from tf2onnx.flexbuffers import read_flexbuffer

    codes = [model.OperatorCodes(index).CustomCode() or b"" for index in range(model.OperatorCodesLength())]
    found = {code.decode("utf-8", "replace").removeprefix(_FLEX) for code in codes if code.startswith(_FLEX.encode())}
    for operator in _each(model):
        code = codes[operator.OpcodeIndex()]
        if not code.startswith(_FLEX.encode()):
            continue
        try:
            name, definition = read_flexbuffer(operator.CustomOptionsAsNumpy().tobytes(), decode_strings=False)
            inner = NodeDef.FromString(definition).op
        except Exception:  # whatever the parsers make of bytes that are no options
            raise InvalidModel(f"the options of its operator {shown(code)} can't be read; {_SOURCE}") from None
        found |= {name.decode("utf-8", "replace"), inner}
    return found


def _each(model: Any) -> Iterator[Any]:
    for index in range(model.SubgraphsLength()):
        graph = model.Subgraphs(index)
        yield from (graph.Operators(number) for number in range(graph.OperatorsLength()))


def _is_sparse(model: Any) -> bool:
    graphs = [model.Subgraphs(index) for index in range(model.SubgraphsLength())]
    return any(
        graph.Tensors(index).Sparsity() is not None for graph in graphs for index in range(graph.TensorsLength())
    )


def _is_hybrid(model: Any) -> bool:
    """Whether an operator multiplies floats by weights that are whole numbers ("dynamic range" quantization)."""
    from tf2onnx.tflite.TensorType import TensorType

    for index in range(model.SubgraphsLength()):
        graph = model.Subgraphs(index)
        for number in range(graph.OperatorsLength()):
            operator = graph.Operators(number)
            inputs = [operator.Inputs(place) for place in range(min(2, operator.InputsLength()))]
            types = [graph.Tensors(one).Type() for one in inputs if one >= 0]
            if types == [TensorType.FLOAT32, TensorType.INT8]:
                return True
    return False
