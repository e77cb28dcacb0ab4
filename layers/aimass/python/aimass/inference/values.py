"""Values of a model's inputs and outputs as natural JSON, whatever their type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aimass.domain.datatypes import is_tensor, parse_type
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.dataplane import Value
from aimass.inference.structured import decode_structured, encode_structured
from aimass.inference.tensor_json import decode_tensor, encode_tensor
from aimass.inference.tensors import fit_shape


def decode_value(spec: TensorSpec, data: Any) -> Value:
    """What the runtime takes for an input, of its JSON. Raises InvalidArguments naming the input."""
    if is_tensor(spec.onnx_type):
        return fit_shape(spec, decode_tensor(spec.name, spec.datatype, data))
    return decode_structured(spec.name, parse_type(spec.onnx_type), data)


def encode_value(spec: TensorSpec, value: Value) -> Any:
    """An output as JSON for `jsontext.dumps`."""
    if is_tensor(spec.onnx_type):
        return encode_tensor(value)
    return encode_structured(parse_type(spec.onnx_type), value)


def decode_columns(specs: Sequence[TensorSpec], columns: Mapping[str, Any]) -> dict[str, Value]:
    """The inputs of an object `{input name: value}`.

    Raises InvalidArguments naming what is missing, unknown or wrong.
    """
    check_names(specs, columns)
    return {spec.name: decode_value(spec, columns[spec.name]) for spec in specs if spec.name in columns}


def decode_rows(specs: Sequence[TensorSpec], rows: Sequence[Any]) -> dict[str, Value]:
    """The inputs of a list of rows, stacked along a new first dimension.

    A row is an object `{input name: value}`; for a model of one input it may be the value alone.
    """
    if len(specs) == 1 and all(is_plain(specs[0], row) for row in rows):
        return {specs[0].name: decode_value(specs[0], list(rows))}
    names = _names_of(rows)
    return decode_columns(specs, {name: [row[name] for row in rows] for name in names})


def is_plain(spec: TensorSpec, data: Any) -> bool:
    """Whether `data` is a value of this input, not an object that names inputs."""
    if not isinstance(data, dict):
        return True
    return data.keys() == {"b64"} or (not is_tensor(spec.onnx_type) and spec.name not in data)


def _names_of(rows: Sequence[Any]) -> list[str]:
    first = rows[0] if rows else {}
    for at, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InvalidArguments(f"row {at} must be an object that names each input", fields={"data": f"row {at}"})
        if row.keys() != first.keys():
            differ = ", ".join(sorted(row.keys() ^ first.keys()))
            raise InvalidArguments(f"row {at} names other inputs than row 0: {differ}", fields={"data": f"row {at}"})
    return list(first)


def check_names(specs: Sequence[TensorSpec], given: Mapping[str, Any] | set[str]) -> None:
    """Raises InvalidArguments naming each unknown input and each missing one; an optional input may be missing."""
    wanted = {spec.name: spec for spec in specs}
    fields = {name: "unknown input" for name in given if name not in wanted}
    for spec in specs:
        if spec.name not in given and not spec.onnx_type.startswith("optional("):
            fields[spec.name] = f"missing: {spec.datatype} of shape {list(spec.shape)}"
    if fields:
        listed = "; ".join(f"input {name!r}: {what}" for name, what in fields.items())
        raise InvalidArguments(f"{listed}; this model takes {', '.join(map(repr, wanted))}", fields=fields)
