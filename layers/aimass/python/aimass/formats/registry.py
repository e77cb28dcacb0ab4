"""The converters, found by listing their package: adding one touches no other file."""

from __future__ import annotations

import importlib
import pkgutil

from aimass.formats import converters
from aimass.formats.converter import Converter


def _listed() -> tuple[Converter, ...]:
    """The `CONVERTER` of each module; one whose name begins with `_` is a part of another."""
    names = sorted(module.name for module in pkgutil.iter_modules(converters.__path__))
    return tuple(importlib.import_module(f"{converters.__name__}.{name}").CONVERTER for name in names if name[0] != "_")


def by_format(listed: tuple[Converter, ...]) -> dict[str, Converter]:
    """Each format's converter. Raises ValueError for a format that two claim, or that is named without a title."""
    owners: dict[str, Converter] = {}
    for converter in listed:
        for name in converter.titles:
            if owners.setdefault(name, converter) is not converter:
                raise ValueError(f"two converters claim the format {name!r}")
        named = {
            *converter.refused,
            *converter.program,
            *converter.compressed,
            *converter.weights,
            *dict(converter.members),
        }
        if untitled := sorted(named - converter.titles.keys()):
            raise ValueError(f"a converter names formats without a title: {untitled}")
    return owners


CONVERTERS: tuple[Converter, ...] = _listed()
_BY_FORMAT = by_format(CONVERTERS)


def converter_of(name: str) -> Converter | None:
    """The converter that knows the format, to take it or to refuse it by name."""
    return _BY_FORMAT.get(name)
