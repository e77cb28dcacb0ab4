"""Opens what XGBoost's `save_model` wrote."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from aimass.domain.errors import ConversionFailed
from aimass.formats.converter import Candidate
from aimass.formats.converters._xgboost import XGBoostModel
from aimass.formats.member import shown

_WHERE = re.compile(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ")
#: Of XGBoost itself, where a file has it: at its end, as text or in UBJSON's bytes.
_VERSION = re.compile(
    rb'"version"\s*:\s*\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)'
    rb"|version\[#L.{7}\x03i(.)i(.)i(.)",
    re.S,
)
_HEAD = 256  # bytes, at both ends


def open_file(folder: Path, candidate: Candidate) -> XGBoostModel:
    """Opens what `save_model` wrote, of all rounds, or of those up to the best where scikit-learn's classes saved it:
    they predict with these alone.
    """
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    suffix = ".ubj" if candidate.format == "xgboost-ubj" else ".json"
    path = folder / candidate.main
    if path.suffix != suffix:
        path = Path(shutil.copyfile(path, path.with_name(f"{path.name}{suffix}")))
    try:
        booster.load_model(str(path))
    except xgboost.core.XGBoostError as error:
        raise _unread(str(error)) from None
    attributes = booster.attributes()
    best = attributes.get("best_iteration") if "scikit_learn" in attributes else None
    return XGBoostModel(booster, int(best) + 1 if best is not None else 0, saved_by=_version(folder / candidate.main))


def _version(path: Path) -> str:
    with path.open("rb") as file:
        ends = file.read(_HEAD)
        file.seek(max(0, path.stat().st_size - _HEAD))
        ends += file.read()
    found = _VERSION.search(ends)
    if not found:
        return ""
    numbers = (part.decode() if part.isdigit() else str(part[0]) for part in found.groups() if part is not None)
    return ".".join(numbers)


def _unread(words: str) -> ConversionFailed:
    """XGBoost's own words, without when and where they were said. Raises MemoryError where they mean that."""
    if "bad_alloc" in words:
        raise MemoryError
    reason = _WHERE.sub("", words.partition("Stack trace")[0]).strip(" :\n")
    remedy = "save it again with model.save_model('model.json')"
    return ConversionFailed(f"XGBoost can't open the file ({shown(reason)}): {remedy}", reason=reason, remedy=remedy)
