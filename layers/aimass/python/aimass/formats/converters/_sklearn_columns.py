"""The columns of a scikit-learn model's table: what is picked from each says what it holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from aimass.formats.converter import Wanted
from aimass.formats.converters._sklearn_range import decides_at, steps, takes_nan

Array = np.ndarray[Any, Any]
VECTORIZERS = ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
DTYPES = {"f": "float32", "i": "int64", "u": "int64", "b": "int64", "O": "str", "U": "str"}
_MOST_WORDS = 2000


def columns_of(model: Any) -> tuple[Sequence[Wanted], Sequence[str], Mapping[str, Any]]:
    """One input for each column that a ColumnTransformer at the model's beginning takes, their names where it has some,
    and by input what an empty text stands for: what its imputer fills, or its encoder has as a category.
    """
    transformer, *behind = steps(model)
    count = int(transformer.n_features_in_)
    names = [str(name) for name in getattr(transformer, "feature_names_in_", ())]
    wanted = {
        index: Wanted(names[index] if names else f"column_{index}", "float32", (-1, 1), -3.0, 3.0)
        for index in range(count)
    }
    empty: dict[str, Any] = {}
    made = max((part.stop for part in transformer.output_indices_.values()), default=0)
    low, high, near = decides_at(SimpleNamespace(steps=[("", one) for one in behind]), made)
    none_behind = takes_nan(behind) and not transformer.sparse_output_  # a forest takes none in a sparse table
    for part, step, picked in transformer.transformers_:
        indices = _indices(picked, names, count)
        for place, index in enumerate(indices):
            name = wanted[index].name
            if _passes(step):
                known = near.get(transformer.output_indices_[part].start + place, ())
                wanted[index] = _number(name, low, high, known if none_behind else _numbers(known))
            elif not isinstance(step, str):  # dropped
                wanted[index] = _column(name, step, place, len(indices), none_behind)
            if wanted[index].dtype == "str" and (none := nones(step, place)):
                empty[name] = none[0]
    return [wanted[index] for index in range(count)], names, empty


def strict_values(model: Any, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """By the names of columns of texts what an encoder that refuses all else knows of them."""
    first: Any = next(steps(model))
    if type(first).__name__ != "ColumnTransformer":
        picked: list[tuple[Any, Sequence[int]]] = [(model, range(len(names)))]
    else:
        given = [str(name) for name in getattr(first, "feature_names_in_", ())]
        picked = [(step, _indices(columns, given, len(names))) for _, step, columns in first.transformers_
                  if not isinstance(step, str)]  # fmt: skip
    return {
        names[index]: known
        for step, indices in picked
        for place, index in enumerate(indices)
        if (known := _strictly(step, place))
    }


def _strictly(step: Any, place: int) -> Sequence[str]:
    encoder = next((one for one in steps(step) if hasattr(one, "categories_")), None)
    if encoder is None or getattr(encoder, "handle_unknown", None) != "error":
        return ()
    categories = encoder.categories_[place]
    if DTYPES[categories.dtype.kind] != "str":
        return ()
    return list(dict.fromkeys([*texts(categories), *([""] if nones(step, place) else [])]))


def fills_texts(step: Any) -> bool:
    """Whether it begins with an imputer that fills in texts."""
    first: Any = next(steps(step), None)
    return type(first).__name__ == "SimpleImputer" and np.asarray(first.statistics_).dtype.kind in "OU"


def nones(model: Any, place: int) -> Sequence[Any]:
    """What stands for no text in a column of texts: NaN or None, or nothing where a text must be there."""
    if fills_texts(model):
        return [next(steps(model)).missing_values]
    encoder = next((one for one in steps(model) if hasattr(one, "categories_")), None)
    return [value for value in encoder.categories_[place] if is_none(value)][:1] if encoder else []


def is_none(value: Any) -> bool:
    return value is None or value != value


def category(name: str, categories: Array) -> Wanted:
    """A column that an encoder knows the values of."""
    dtype = DTYPES[categories.dtype.kind]
    if dtype == "str":
        return Wanted(name, "str", (-1, 1), words=texts(categories))
    numbers = [float(value) for value in categories if value == value]
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    # What lies between them is no category, and an encoder may refuse it; without gaps nothing does.
    near = {} if dtype == "int64" and len(numbers) == high - low + 1 else {0: numbers}
    return Wanted(name, dtype, (-1, 1), low, high, near)


def texts(categories: Array) -> list[str]:
    """As the ONNX model has them: empty for none."""
    return ["" if is_none(value) else str(value) for value in categories]


def words_of(vectorizer: Any) -> list[str]:
    """Of its vocabulary, some."""
    return sorted({word for gram in getattr(vectorizer, "vocabulary_", {}) for word in gram.split()})[:_MOST_WORDS]


def _passes(step: Any) -> bool:
    return step == "passthrough" or (type(step).__name__ == "FunctionTransformer" and step.func is None)


def _number(name: str, low: float, high: float, near: Sequence[float]) -> Wanted:
    """Between the values at which it is decided, where there are some."""
    numbers = _numbers(near)
    return Wanted(name, "float32", (-1, 1), min(numbers, default=low), max(numbers, default=high), {0: near})


def _numbers(values: Sequence[float]) -> Sequence[float]:
    return [value for value in values if not math.isnan(value)]


def _column(name: str, step: Any, place: int, columns: int, none_behind: bool) -> Wanted:
    """The column at `place` among those that the step is given; what is behind all steps may take none."""
    for one in steps(step):
        if type(one).__name__ in VECTORIZERS:
            return Wanted(name, "str", (-1, 1), words=words_of(one))
        if hasattr(one, "categories_"):
            found = category(name, one.categories_[place])
            return Wanted(name, "str", (-1, 1), words=[*found.words, ""]) if fills_texts(step) else found
    low, high, near = decides_at(step, columns)
    values = near.get(place, ())
    fills = any(type(one).__name__.endswith("Imputer") for one in steps(step))
    return _number(name, low, high, values if fills or none_behind else _numbers(values))


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
