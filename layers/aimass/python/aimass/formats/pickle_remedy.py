"""What to do about a scikit-learn model that keeps a function: saving it in another way would not help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Kept:
    """`kinds` are classes that tell the model; `functions` are the names, or packages, of what such a model keeps."""

    kinds: tuple[str, ...]
    functions: tuple[str, ...]
    model: str
    remedy: str

    def keeps(self, name: str) -> bool:
        return any(name == one or name.startswith(f"{one}.") for one in self.functions)


_ARITHMETIC = ("numpy", "scipy.special", "math", "__main__")
_KEPT = (
    Kept(
        ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor", "TreePredictor"),
        ("functools.partial", "sklearn.utils.validation.check_array"),
        "HistGradientBoosting with categorical_features",
        "encode the categories as numbers in a step before it (OneHotEncoder or OrdinalEncoder, no "
        "categorical_features), or train LightGBM or XGBoost on them",
    ),
    Kept(
        ("TransformedTargetRegressor",),
        _ARITHMETIC,
        "TransformedTargetRegressor",
        "send its regressor_, and turn its answers back where you use them",
    ),
    Kept(
        ("FunctionTransformer",),
        _ARITHMETIC,
        "FunctionTransformer",
        "do to the rows what it does before you send them, and train without that step",
    ),
)


def of_function(name: str, named: Iterable[str]) -> Kept | None:
    """Of a global that is refused, by its dotted name; `named` is what the file names else, as `module:name` or with
    dots only. None where it is not known what the model keeps it for.
    """
    classes = {one.replace(":", ".").rpartition(".")[2] for one in named}
    return next((one for one in _KEPT if classes & {*one.kinds} and one.keeps(name)), None)
