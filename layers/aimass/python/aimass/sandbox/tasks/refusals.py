"""Why the runtime does not load a model, as what a caller can be told."""

from __future__ import annotations

import re
from collections.abc import Callable

from aimass.domain.errors import ExternalDataMissing, ImportRefused, InvalidModel, OpsetTooNew, UnknownOperator
from aimass.formats.member import shown
from aimass.inference.onnxruntime.words import reason, tells_of_memory

_UNREGISTERED = re.compile(r"No Op registered for (?P<op>\S+) with domain_version of (?P<version>-?\d+)")
_UNKNOWN = re.compile(r"Fatal error: (?P<domain>.*?):(?P<op>[^:(]+)\(-?\d+\) is not a registered function/op")
_NO_DOMAIN = re.compile(r'In Node, \(".*?", (?P<op>[^,]+), "(?P<domain>[^"]*)".*No opset import for domain', re.S)
_NO_KERNEL = re.compile(
    r"(?:Could not find an implementation|Failed to find kernel) for (?P<op>\S+?)\((?P<version>-?\d+)\) \(?node"
)
_NODE_DOMAIN = re.compile(r'In Node, \(".*?", [^,]+, "(?P<domain>[^"]*)"', re.S)
_OPSET = re.compile(
    r"Opset (?P<got>\d+) is under development.*for domain (?P<domain>\S+) is till opset (?P<highest>\d+)", re.S
)
_IR = re.compile(r"Unsupported model IR version: (?P<got>\d+), max supported IR version: (?P<highest>\d+)")
_LOCALE = re.compile(r"Failed to construct locale with name:(?P<locale>[^:]*):")
_EXTERNAL = re.compile(r"External (?:data|initializer)|GetExtDataFromTensorProto|external data", re.I)


def load_refusal(error: Exception) -> ImportRefused:
    """Why the runtime does not load a model. Raises MemoryError if it ran out of memory."""
    text = str(error)
    raise_for_memory(text)
    for pattern, build in _LOADING:
        if match := pattern.search(text):
            return build(match, text)
    return InvalidModel(f"the runtime refuses the model: {reason(text)}")


def raise_for_memory(text: str) -> None:
    """Raises MemoryError if these words of the runtime tell of memory that it did not get."""
    if tells_of_memory(text):
        raise MemoryError


def _named(domain: str) -> str:
    return shown(domain) or "ai.onnx"


def _unregistered(match: re.Match[str], text: str) -> ImportRefused:
    found = _NODE_DOMAIN.search(text)
    operator, domain, version = shown(match["op"]), _named(found["domain"] if found else ""), int(match["version"])
    return UnknownOperator(
        f"the runtime knows no operator {operator} in {domain} opset {version}",
        operator=operator,
        domain=domain,
        opset=version,
    )


def _unknown(match: re.Match[str], _: str) -> ImportRefused:
    operator, domain = shown(match["op"]), _named(match["domain"])
    return UnknownOperator(
        f"the runtime knows no operator {operator} of the domain {domain}; export with standard ONNX operators",
        operator=operator,
        domain=domain,
    )


def _no_kernel(match: re.Match[str], _: str) -> ImportRefused:
    operator = shown(match["op"])
    return UnknownOperator(
        f"the runtime cannot run operator {operator} (opset {match['version']}) on a CPU with these element types; "
        "convert a model of an old opset to 13 or later (onnx.version_converter)",
        operator=operator,
        opset=int(match["version"]),
    )


def _opset_too_new(match: re.Match[str], _: str) -> ImportRefused:
    domain, highest = shown(match["domain"]), int(match["highest"])
    return OpsetTooNew(
        f"the model uses {domain} opset {match['got']}; the highest supported is {highest}: export it for that one",
        domain=domain,
        opset=int(match["got"]),
        highest=highest,
    )


def _ir_too_new(match: re.Match[str], _: str) -> ImportRefused:
    highest = int(match["highest"])
    return OpsetTooNew(
        f"the model is of ONNX IR version {match['got']}; the highest supported is {highest}: save it with that one",
        ir_version=int(match["got"]),
        highest=highest,
    )


def _locale(match: re.Match[str], _: str) -> ImportRefused:
    locale = shown(match["locale"])
    return InvalidModel(
        f"a StringNormalizer asks for the locale '{locale}', which is not installed; "
        "export the model with locale='C.UTF-8'",
        locale=locale,
    )


def _external(_: re.Match[str], text: str) -> ImportRefused:
    return ExternalDataMissing(f"the external data cannot be read: {reason(text)}")


_LOADING: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], ImportRefused]], ...] = (
    (_OPSET, _opset_too_new),
    (_IR, _ir_too_new),
    (_UNREGISTERED, _unregistered),
    (_UNKNOWN, _unknown),
    (_NO_DOMAIN, _unknown),
    (_NO_KERNEL, _no_kernel),
    (_LOCALE, _locale),
    (_EXTERNAL, _external),
)
