"""The inputs of a scikit-learn model: one table of numbers, one column of texts, or an input for each column."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats.converter import Wanted
from aimass.formats.converters._sklearn_range import decides_at, flat, steps

Array = np.ndarray[Any, Any]
Layout = Literal["table", "texts", "columns"]
VECTORIZERS = ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
_MOST_WORDS = 2000
_ENCODERS = ("OneHotEncoder", "OrdinalEncoder")
_DTYPES = {"f": "float32", "i": "int64", "u": "int64", "b": "int64", "O": "str", "U": "str"}


@dataclass(frozen=True)
class Inputs:
    """`layout` says how `wanted` becomes what the estimator is called with; `names` are its columns, where it has
    names for them.
    """

    layout: Layout
    wanted: Sequence[Wanted]
    names: Sequence[str] = ()

    def called_with(self, feed: Mapping[str, Array]) -> Any:
        """The estimator's argument: doubles, as its owner has them."""
        if self.layout == "table":
            rows = feed[self.wanted[0].name]
            return rows.astype(np.float64) if rows.dtype.kind == "f" else rows
        columns = {one.name: feed[one.name].reshape(-1) for one in self.wanted}
        if self.layout == "texts":
            return columns[self.wanted[0].name]
        columns = {
            name: column.astype(np.float64) if column.dtype.kind == "f" else column for name, column in columns.items()
        }
        if self.names:
            import pandas

            return pandas.DataFrame(columns)
        rows = np.empty((len(next(iter(columns.values()))), len(columns)), object)
        for index, column in enumerate(columns.values()):
            rows[:, index] = column
        return rows


def inputs_of(model: Any) -> Inputs:
    """How the estimator is called. Raises ConversionFailed for one that doesn't say how many columns it takes."""
    first = next(steps(model))
    kind = type(first).__name__
    if kind in VECTORIZERS:
        return Inputs("texts", [Wanted("text", "str", (-1, 1), words=_words(first))])
    if kind == "ColumnTransformer":
        return _columns(first)
    count = getattr(first, "n_features_in_", None)
    if count is None:
        remedy = "fit it, and save it again with a current scikit-learn"
        raise ConversionFailed(f"{kind} doesn't say how many columns it takes: {remedy}", remedy=remedy)
    names = tuple(map(str, getattr(first, "feature_names_in_", ())))
    if kind in _ENCODERS:
        kinds = {_DTYPES[one.dtype.kind] for one in first.categories_}
        if len(kinds) > 1:
            return Inputs("columns", [_category(name, one) for name, one in _named(first, first.categories_)], names)
        values = sorted({str(value) for one in first.categories_ for value in one}) if kinds == {"str"} else ()
        numbers = [float(value) for one in first.categories_ for value in one] if not values else [0.0]
        wanted = Wanted("input", kinds.pop(), (-1, count), min(numbers), max(numbers), words=values)
        return Inputs("table", [wanted], names)
    low, high, near = decides_at(model, int(count))
    return Inputs("table", [Wanted("input", "float32", (-1, int(count)), low, high, near)], names)


def everything(model: Any) -> Iterator[Any]:
    """The estimators in a model, at any depth."""
    for step in steps(model):
        yield step
        for one in _parts(step):
            if hasattr(one, "get_params"):
                yield from everything(one)


def _parts(step: Any) -> Iterator[Any]:
    for name in ("transformers_", "transformer_list", "estimators_", "final_estimator_", "estimator_"):
        yield from flat(getattr(step, name, None))
    yield from (calibrated.estimator for calibrated in getattr(step, "calibrated_classifiers_", ()))


def _named(first: Any, values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    names = getattr(first, "feature_names_in_", None)
    for index, value in enumerate(values):
        yield (str(names[index]) if names is not None else f"column_{index}"), value


def _columns(transformer: Any) -> Inputs:
    """One input for each column: what is picked from it says what it holds."""
    count = int(transformer.n_features_in_)
    names = [str(name) for name in getattr(transformer, "feature_names_in_", ())]
    wanted = {
        index: Wanted(names[index] if names else f"column_{index}", "float32", (-1, 1), -3.0, 3.0)
        for index in range(count)
    }
    for _, step, picked in transformer.transformers_:
        if isinstance(step, str):  # passed through, or dropped
            continue
        indices = _indices(picked, names, count)
        for place, index in enumerate(indices):
            wanted[index] = _column(wanted[index].name, step, place, len(indices))
    return Inputs("columns", [wanted[index] for index in range(count)], tuple(names))


def _column(name: str, step: Any, place: int, columns: int) -> Wanted:
    """The column at `place` among those that the step is given."""
    for one in steps(step):
        if type(one).__name__ in VECTORIZERS:
            return Wanted(name, "str", (-1, 1), words=_words(one))
        if hasattr(one, "categories_"):
            return _category(name, one.categories_[place])
    low, high, near = decides_at(step, columns)
    values = near.get(place, ())
    numbers = [value for value in values if not math.isnan(value)]
    # What comes behind all columns may refuse a value that is missing; an imputer lets none through.
    values = values if any("Imputer" in type(one).__name__ for one in steps(step)) else numbers
    return Wanted(name, "float32", (-1, 1), min(numbers, default=low), max(numbers, default=high), {0: values})


def _words(vectorizer: Any) -> list[str]:
    return sorted({word for gram in getattr(vectorizer, "vocabulary_", {}) for word in gram.split()})[:_MOST_WORDS]


def _indices(picked: Any, names: Sequence[str], count: int) -> Sequence[int]:
    if isinstance(picked, str):
        return [names.index(picked)]
    if isinstance(picked, slice):
        return list(range(count))[picked]
    listed = np.atleast_1d(np.asarray(picked))
    if listed.dtype.kind == "b":
        return [int(index) for index in np.flatnonzero(listed)]
    if listed.dtype.kind in "UO":
        return [names.index(str(name)) for name in listed]
    return [int(index) % count for index in listed]


def _category(name: str, categories: Array) -> Wanted:
    dtype = _DTYPES[categories.dtype.kind]
    if dtype == "str":
        return Wanted(name, "str", (-1, 1), words=[str(value) for value in categories])
    numbers = [float(value) for value in categories if value == value]
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    # What lies between them is no category, and an encoder may refuse it; without gaps nothing does.
    near = {} if dtype == "int64" and len(numbers) == high - low + 1 else {0: numbers}
    return Wanted(name, dtype, (-1, 1), low, high, near)
