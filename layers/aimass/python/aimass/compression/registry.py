"""The passes, found by listing their package: adding one touches no other file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from aimass.compression import passes
from aimass.compression.contract import Pass


def _listed() -> tuple[Pass, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(passes.__path__))
    return tuple(importlib.import_module(f"{passes.__name__}.{name}").PASS for name in names if name[0] != "_")


Passes = Mapping[str, Pass]  # by name

PASSES: Passes = {one.name: one for one in _listed()}
