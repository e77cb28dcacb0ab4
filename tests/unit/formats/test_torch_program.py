"""Programs of torch.export are checked as JSON, before torch evaluates what is in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aimass.domain.errors import InvalidModel, UnsafePickle
from aimass.formats.converters._torch_program import check_program

_ROW = "Symbol('s77', positive=True, integer=True)"
_LEAF = '{"type": null, "context": null, "children_spec": []}'
_PLAIN = '[1, {"type": "builtins.tuple", "context": "null", "children_spec": [' + _LEAF + "]}]"


def _program(
    target: str = "torch.ops.aten.linear.default",
    size: Any = _ROW,
    guards: list[str] | None = None,
    spec: str = _PLAIN,
    name: str = "linear",
    constraint: str = "s77",
    tensor: str = "x",
) -> bytes:
    node = {"target": target, "name": name, "inputs": [{"name": "input", "arg": {"as_tensor": {"name": "x"}}}]}
    node["metadata"] = {
        "stack_trace": "File \"train.py\", line 3, in forward\n    return os.system('true')",
        "nn_module_stack": "L__self__,,train.Net;linear,linear,torch.nn.modules.linear.Linear",
        "from_node": '[{"name": "linear", "target": "linear", "pass_name": "", "graph_id": 1}]',
    }
    values = {tensor: {"sizes": [{"as_expr": {"expr_str": size}}, {"as_int": 4}]}}
    document: dict[str, Any] = {
        "graph_module": {
            "graph": {"nodes": [node], "tensor_values": values},
            "module_call_graph": [{"fqn": "", "signature": {"in_spec": spec, "forward_arg_names": ["x"]}}],
        },
        "range_constraints": {constraint: {"min_val": 1, "max_val": None}},
        "guards_code": guards or [],
    }
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"target": "torch.ops.aten.sym_size.int"},
        {"target": "_operator.mul"},
        {"target": "torch.sym_max"},
        {"target": "torch.ops.higher_order.cond"},
        {"size": f"Add(Integer(1), FloorDiv(Add(Integer(-3), {_ROW}), Integer(2)))"},
        {"size": "Mul(Rational(1, 2), Max(Integer(1), Symbol('u0', integer=True)))"},
        {"size": "2*s77 + 1"},
        {"guards": ["L['ids'].size()[0] == L['scale'].size()[0]", "2 <= L['ids'].size()[1]"]},
        {"name": "p_features_0_weight"},
        {"tensor": "metadata"},
        {"tensor": "target"},
    ],
)
def test_what_torch_writes_itself_passes(parts: dict[str, Any]) -> None:
    check_program(_program(**parts), "model.json")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"target": "torch.os.system"}, "calls what is no operator of PyTorch's: torch.os.system"),
        ({"target": "torch.load"}, "calls what is no operator"),
        ({"target": "torch.ops.aten.from_file.default"}, "calls what is no operator"),
        ({"target": "torch.ops.higher_order.triton_kernel_wrapper_mutation"}, "calls what is no operator"),
        ({"target": "_operator.methodcaller"}, "calls what is no operator"),
        ({"target": "math.__loader__.load_module"}, "calls what is no operator"),
        ({"target": "#other:operator"}, "calls what is no operator"),
        ({"size": "__import__('os').system('true')"}, "has a size that is no expression of sizes"),
        ({"size": "Symbol('s77').__class__"}, "has a size that is no expression"),
        ({"size": "(lambda: 1)()"}, "has a size that is no expression"),
        ({"size": "[x for x in ().__class__.__base__.__subclasses__()]"}, "has a size that is no expression"),
        ({"size": "Symbol('os; import os')"}, "has a size that is no expression"),
        ({"size": "exec('1')"}, "has a size that is no expression"),
        ({"size": "(" * 5000 + "1" + ")" * 5000}, "has a size that is no expression"),
        ({"size": "1 if s77 else 2"}, "has a size that is no expression"),
        ({"constraint": "__import__('os')"}, "has a size that is no expression"),
        ({"guards": ["__import__('os').system('true') == 0"]}, "has a guard that compares more than sizes"),
        ({"guards": ["L['x'].__class__ == 0"]}, "has a guard that compares more than sizes"),
        ({"guards": ["L['x'].size()[0] == 1\nimport os"]}, "has a guard that compares more than sizes"),
        ({"name": "x=__import__('os')"}, "has a name that is none"),
        ({"name": "x\nimport os"}, "has a name that is none"),
        ({"spec": _PLAIN.replace("builtins.tuple", "collections.defaultdict")}, "in what is no plain container"),
        ({"spec": _PLAIN.replace('"null"', '"{\\"__enum__\\": true}"')}, "in what is no plain container"),
        ({"spec": "not JSON"}, "in what is no plain container"),
    ],
)
def test_what_would_run_is_refused_by_name(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsafePickle) as refused:
        check_program(_program(**parts), "model.json")

    assert refused.value.message.startswith("the program model.json ")
    assert words in refused.value.message


@pytest.mark.parametrize("tensor", ["metadata", "stack_trace", "guards_code", "range_constraints", "expr_str", "a"])
@pytest.mark.parametrize("nested", ["{}", "[{}]", '{{"a": {}}}'])
def test_no_name_of_a_tensor_hides_a_size(tensor: str, nested: str) -> None:
    size = json.loads(nested.format('"__import__(1)"'))

    with pytest.raises(UnsafePickle, match="has a size that is no expression"):
        check_program(_program(size=size, tensor=tensor), "model.json")


def test_no_name_of_a_number_hides_a_size() -> None:
    document = json.loads(_program())
    hidden = {"as_expr": {"expr_str": "__import__('os').system('true')"}}
    document["graph_module"]["graph"]["sym_int_values"] = {"metadata": hidden}

    with pytest.raises(UnsafePickle, match="has a size that is no expression"):
        check_program(json.dumps(document).encode(), "model.json")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a": 1, "a": 2}', b"[" * 100_000, b"\xff"])
def test_what_is_no_program_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidModel, match=r"model\.json is no program of torch\.export"):
        check_program(body, "model.json")
