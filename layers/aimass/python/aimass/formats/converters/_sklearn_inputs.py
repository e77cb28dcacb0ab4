"""The inputs of a scikit-learn model: one table of numbers, one column of texts, or an input for each column."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats.converter import Wanted
from aimass.formats.converters._sklearn_columns import (
    DTYPES,
    VECTORIZERS,
    category,
    columns_of,
    fills_texts,
    nones,
    strict_values,
    texts,
    words_of,
)
from aimass.formats.converters._sklearn_range import decides_at, flat, steps
from aimass.formats.converters._table import NAN, table

Array = np.ndarray[Any, Any]
Layout = Literal["table", "texts", "columns"]
_ENCODERS = ("OneHotEncoder", "OrdinalEncoder")


@dataclass(frozen=True)
class Inputs:
    """`layout` says how `wanted` becomes what the estimator is called with; `names` are its columns, where it has
    names for them. `empty` has, by input, what an empty text stands for; `values`, by column, the only texts that an
    encoder takes.
    """

    layout: Layout
    wanted: Sequence[Wanted]
    names: Sequence[str] = ()
    empty: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def called_with(self, feed: Mapping[str, Array]) -> Any:
        """The estimator's argument: doubles, as its owner has them."""
        given = {one.name: self._as_owned(one.name, feed[one.name]) for one in self.wanted}
        if self.layout == "table":
            return given[self.wanted[0].name]
        columns = {name: values.reshape(-1) for name, values in given.items()}
        if self.layout == "texts":
            return columns[self.wanted[0].name]
        if self.names:
            import pandas

            return pandas.DataFrame({name: pandas.Series(one, dtype=one.dtype) for name, one in columns.items()})
        rows = np.empty((len(next(iter(columns.values()))), len(columns)), object)
        for index, column in enumerate(columns.values()):
            rows[:, index] = column
        return rows

    def _as_owned(self, name: str, values: Array) -> Array:
        if name in self.empty:
            values = values.astype(object)
            values[values == ""] = self.empty[name]
        return values.astype(np.float64) if values.dtype.kind == "f" else values

    @property
    def describes(self) -> dict[str, Any]:
        """The columns, and what missing cells become, where missing values were replayed."""
        if self.layout == "texts":
            return {}
        if self.layout == "table":
            names = self.names if self.empty else ()
            return table(
                self.names, self.values, takes_nan=_takes_nan(self.wanted[0]), missing=self._empty_texts(names)
            )
        missing = {one.name: NAN for one in self.wanted if _takes_nan(one)}
        names = [one.name for one in self.wanted]
        return table(names, self.values, missing=missing | self._empty_texts(self.empty))

    def _empty_texts(self, names: Iterable[str]) -> dict[str, str]:
        """What missing cells become in columns that may be empty."""
        return {name: "" for name in names if "" in self.values.get(name, [""])}


def _takes_nan(one: Wanted) -> bool:
    return one.dtype == "float32" and any(math.isnan(value) for values in one.near.values() for value in values)


def inputs_of(model: Any) -> Inputs:
    """How the estimator is called. Raises ConversionFailed for one that doesn't say how many columns it takes."""
    first = next(steps(model))
    kind = type(first).__name__
    if kind in VECTORIZERS:
        return Inputs("texts", [Wanted("text", "str", (-1, 1), words=words_of(first))])
    if kind == "ColumnTransformer":
        wanted, named, empty = columns_of(model)
        return Inputs("columns", wanted, named, empty, strict_values(model, [one.name for one in wanted]))
    count = getattr(first, "n_features_in_", None)
    if count is None:
        remedy = "put a step in front that takes a table of numbers, or save it again with a current scikit-learn"
        raise ConversionFailed(f"{kind} doesn't say how many columns it takes: {remedy}", remedy=remedy)
    names = tuple(map(str, getattr(first, "feature_names_in_", ())))
    encoder = next((one for one in steps(model) if type(one).__name__ != "SimpleImputer"), first)
    if type(encoder).__name__ in _ENCODERS and (encoder is first or fills_texts(model)):
        return _encoded(model, encoder, names)
    low, high, near = decides_at(model, int(count))
    return Inputs("table", [Wanted("input", "float32", (-1, int(count)), low, high, near)], names)


def _encoded(model: Any, encoder: Any, names: Sequence[str]) -> Inputs:
    """Columns of categories alone: one table where they are of one type."""
    categories = encoder.categories_
    kinds = {DTYPES[one.dtype.kind] for one in categories}
    if len(kinds) > 1:
        wanted = [category(name, one) for name, one in _named(encoder, categories)]
        return Inputs("columns", wanted, names, values=strict_values(model, [one.name for one in wanted]))
    values = {value for one in categories for value in texts(one)} if kinds == {"str"} else set()
    numbers = [float(value) for one in categories for value in one] if not values else [0.0]
    none = [value for place in range(len(categories)) for value in nones(model, place)] if values else []
    empty = {"input": none[0]} if none else {}
    words = sorted({*values, ""} if none else values)
    one = Wanted("input", kinds.pop(), (-1, len(categories)), min(numbers), max(numbers), words=words)
    return Inputs("table", [one], names, empty, strict_values(model, names) if values and names else {})


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
