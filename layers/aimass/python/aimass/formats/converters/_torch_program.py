"""A program of torch.export as its JSON, checked before torch reads it.

torch evaluates its sizes with sympy, which evaluates Python; compiles its guards and the names of its nodes as Python;
and looks its operators up as attributes of `torch`, where `torch.os.system` is one.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from aimass.domain.errors import InvalidModel, UnsafePickle
from aimass.formats import json_object
from aimass.formats.member import shown

_TARGET = re.compile(
    r"torch\.ops\.(aten|prims|quantized_decomposed|torchvision)(\.\w+){1,2}|_operator\.[a-z]\w*|math\.[a-z]\w*"
    r"|torch\._?sym_\w+|torch\.ops\.higher_order\."
    r"(cond|while_loop|scan|associative_scan|map_impl|wrap_with_set_grad_enabled|wrap_with_autocast|invoke_subgraph)",
    re.ASCII,
)
_LOOKS_UP = {"_operator.attrgetter", "_operator.itemgetter", "_operator.methodcaller", "_operator.call"}
_REACHES = re.compile(r"torch\.ops\.aten\.(from_file|save)\b")
_NAMING = re.compile(r"(.*_)?(name|fqn)s?", re.ASCII)
_NAME = re.compile(r"[\w.$:<>\[\]-]*", re.ASCII)
_CONTEXT = re.compile(r"(?!.*__enum__)[\w\s\[\]\"{},:./|-]*", re.ASCII | re.S)
_CONTAINERS = {None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict"}
_CONTAINERS |= {"collections.namedtuple"}
# What sizes are made of, as sympy writes them: torch.utils._sympy.functions, and sympy's own.
_FUNCTIONS = re.compile(
    "Symbol|Integer|Rational|Float|Add|Mul|Pow|Max|Min|Abs|Mod|PythonMod|FloorDiv|CeilDiv|CleanDiv|ModularIndexing|Where"
    "|CeilToInt|FloorToInt|TruncToInt|RoundToInt|RoundDecimal|ToFloat|TruncToFloat|IntTrueDiv|FloatTrueDiv|FloatPow"
    "|PowByNatural|LShift|RShift|IsNonOverlappingAndDenseIndicator|Identity|Eq|Ne|Lt|Le|Gt|Ge|Equality|Unequality"
    "|StrictLessThan|LessThan|StrictGreaterThan|GreaterThan|And|Or|Not|true|false|BooleanTrue|BooleanFalse|oo|Infinity"
    "|NegativeInfinity|int_oo|IntInfinity|NegativeIntInfinity|floor|ceiling"
)
_ALLOWED = (
    *(ast.Expression, ast.Call, ast.Name, ast.Load, ast.Constant, ast.keyword, ast.BinOp, ast.UnaryOp, ast.BoolOp),
    *(ast.Compare, ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)
_SIZE = "expr_str"
_SYMBOL = re.compile(r"[A-Za-z]+\d*|-?[\d.e+-]+", re.ASCII)
_INPUT = re.compile(r"\w+", re.ASCII)
_GUARD = frozenset({"size", "shape", "stride", "storage_offset", "ndim", "dim"})  # of L['input']
_LONGEST = 10_000


def check_program(body: bytes, name: str) -> None:
    """Raises UnsafePickle for what would be run, InvalidModel for what is no program."""
    try:
        document = json_object.parse(body)
    except json_object.NotAnObject as error:
        raise InvalidModel(f"{name} is no program of torch.export: {error}") from None
    for key, value in _strings(document):
        problem = _problem(key, value)
        if problem:
            raise UnsafePickle(
                f"the program {name} {problem}: {shown(value)}; it was not opened: export the model again with "
                "torch.export.save, or send it as ONNX",
                name=shown(value),
            )


def _strings(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each string with the key that it lies under; keys count as names."""
    stack: list[tuple[str, Any]] = [("", document)]
    while stack:
        key, value = stack.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, list):
            stack.extend((key, item) for item in value)
        elif isinstance(value, dict):
            # Any key may be a tensor's name: none is passed over. sympy reads what lies in a dict, too.
            if key == _SIZE:
                yield key, json.dumps(value)
            for inner, item in value.items():
                yield "range_constraints" if key == "range_constraints" else "name", inner
                stack.append((inner, item))


def _problem(key: str, value: str) -> str | None:
    if key in {"target", "as_operator"}:
        known = _TARGET.fullmatch(value) and value not in _LOOKS_UP and not _REACHES.match(value)
        return None if known else "calls what is no operator of PyTorch's"
    if key in {_SIZE, "range_constraints"}:
        return None if _is_size(value) else "has a size that is no expression of sizes"
    if key == "guards_code":
        return None if _is_size(value, _GUARD) else "has a guard that compares more than sizes"
    if key in {"in_spec", "out_spec"}:
        return None if _is_spec(value) else "nests its inputs or outputs in what is no plain container"
    return None if not _NAMING.fullmatch(key) or _NAME.fullmatch(value) else "has a name that is none"


def _is_size(text: str, methods: frozenset[str] = frozenset()) -> bool:
    """An expression of numbers, symbols, known functions and these methods: no other attribute, no other name."""
    if len(text) > _LONGEST:
        return False
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(_is_part(node, methods) for node in ast.walk(tree))


def _is_part(node: ast.AST, methods: frozenset[str]) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in methods
    if isinstance(node, ast.Subscript):
        return bool(methods)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) or bool(
            isinstance(node.func, ast.Name) and _FUNCTIONS.fullmatch(node.func.id)
        )
    if isinstance(node, ast.Name):
        return bool(_FUNCTIONS.fullmatch(node.id) or _SYMBOL.fullmatch(node.id))
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) or (
            isinstance(node.value, str) and bool((_INPUT if methods else _SYMBOL).fullmatch(node.value))
        )
    return isinstance(node, _ALLOWED)


def _is_spec(text: str) -> bool:
    if not text:
        return True
    try:
        stack = [json.loads(text)]
        while stack:
            one = stack.pop()
            if isinstance(one, list):
                stack.extend(item for item in one if not isinstance(item, int))
            elif one["type"] not in _CONTAINERS or not _CONTEXT.fullmatch(str(one["context"])):
                return False
            else:
                stack.extend(one["children_spec"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return True
