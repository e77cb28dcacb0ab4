"""Opens what scikit-learn's users save: a skops file, or a pickle behind its gate."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.domain.errors import ConversionFailed, UnsafePickle
from aimass.formats.converter import Candidate, Original
from aimass.formats.member import shown
from aimass.formats.pickle_allowed import TREES
from aimass.formats.pickle_play import refused, renamed
from aimass.formats.pickle_remedy import of_function
from aimass.formats.pickle_stream import opened

if TYPE_CHECKING:
    from aimass.formats.converters._lightgbm import LightGBMModel
    from aimass.formats.converters._xgboost import XGBoostModel

# Of the list for pickles, what skops may build: a booster's own bytes are for a stronger sandbox than its files need.
_FAMILIES = ("numpy", "scipy", "sklearn")
_SEARCHES = ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")


def open_file(folder: Path, candidate: Candidate) -> Original:
    """Opens the model, and hands it to its own family's converter. Raises UnsafePickle, ConversionFailed."""
    path = folder / candidate.main
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = _skops(path) if candidate.format == "skops" else _pickle(path)
    return _original(model, _saved_by(caught))


def _skops(path: Path) -> Any:
    from skops import io

    unknown = io.get_untrusted_types(file=path)
    for name in unknown:
        module, _, last = name.rpartition(".")
        if _family(module) not in _FAMILIES or not TREES.allows(module, last):
            raise _foreign(name, unknown)
    return io.load(path, trusted=unknown)


def _foreign(name: str, unknown: Sequence[str]) -> UnsafePickle:
    text, kept = shown(name), of_function(name, unknown)
    what = f"{text}, a function that {kept.model} keeps," if kept else f"{text}, which"
    remedy = kept.remedy if kept else "save the model as scikit-learn's own estimators, or send it as ONNX"
    return UnsafePickle(f"the skops file names {what} {'and ' if kept else ''}was not opened: {remedy}", name=text)


def _pickle(path: Path) -> Any:
    """The gate has been passed; the list is asked again while it loads, for what is found and not its name alone."""
    from joblib.numpy_pickle import NumpyUnpickler

    class Unpickler(NumpyUnpickler):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> Any:
            module, name = renamed(module, name, self.proto)
            found = super().find_class(module, name) if TREES.allows(module, name) else None
            if found is None or (isinstance(found, type) and _family(found.__module__) != _family(module)):
                raise refused(f"names {shown(f'{module}.{name}')}, which no model needs")
            return found

    with opened(path) as stream:
        return Unpickler(str(path), stream, ensure_native_byte_order=True).load()


def _family(module: str) -> str:
    return module.split(".")[0]


def _saved_by(caught: Sequence[warnings.WarningMessage]) -> str:
    """The version of scikit-learn that saved it, where it is another than this one."""
    versions = [getattr(one.message, "original_sklearn_version", "") for one in caught]
    return next(filter(None, versions), "")


def _original(model: Any, saved_by: str) -> Original:
    if type(model).__name__ in _SEARCHES and hasattr(model, "best_estimator_"):
        model = model.best_estimator_
    family = _family(type(model).__module__)
    if family in ("xgboost", "lightgbm"):
        return boosted(model)
    if family == "catboost":
        from aimass.formats.converters._catboost import CatBoostModel

        return CatBoostModel(model)
    if family != "sklearn" or not hasattr(model, "get_params"):
        what = shown(f"{type(model).__module__}.{type(model).__qualname__}")
        remedy = "save the fitted estimator alone"
        raise ConversionFailed(f"the file holds {what} and no estimator: {remedy}", remedy=remedy)
    from aimass.formats.converters._sklearn import SklearnModel

    return SklearnModel(model, saved_by)


def boosted(model: Any) -> XGBoostModel | LightGBMModel:
    """A booster of XGBoost or LightGBM, or their class for scikit-learn, which knows its labels and its best round."""
    labels = getattr(model, "classes_", ())
    if len(labels) and list(labels) == list(range(len(labels))):
        labels = ()
    if _family(type(model).__module__) == "lightgbm":
        from aimass.formats.converters._lightgbm import LightGBMModel

        return LightGBMModel(getattr(model, "booster_", model), labels)
    from aimass.formats.converters._xgboost import XGBoostModel

    booster = model.get_booster() if hasattr(model, "get_booster") else model
    best = booster.attributes().get("best_iteration") if booster is not model else None
    return XGBoostModel(booster, int(best) + 1 if best is not None else 0, labels)
