"""What can't be written as ONNX, or would be written wrongly: each with what can be done instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aimass.domain.errors import ConversionFailed
from aimass.formats.converters._refusal import cannot
from aimass.formats.converters._sklearn_columns import is_none
from aimass.formats.converters._sklearn_inputs import everything
from aimass.formats.converters._sklearn_range import steps
from aimass.formats.member import shown

SUPPORTED = "use another estimator, of those that sklearn-onnx supports (onnx.ai/sklearn-onnx/supported.html)"
_CHANGE = "train it without what is named, or with another estimator that sklearn-onnx supports"
_MOST_WORDS = 300  # letters of skl2onnx's own
_END = re.compile(r"(?<=[a-z)'\"])\. |\n|,? [Yy]ou may raise an iss?ue")
_FITTED = "it places only the rows that it was fitted on"
_LABELS = f"{_FITTED}; train a classifier, such as KNeighborsClassifier, on its labels_"
_INSTEAD: Mapping[str, str] = {
    **dict.fromkeys(("DBSCAN", "HDBSCAN", "OPTICS", "AgglomerativeClustering", "SpectralClustering"), _LABELS),
    **dict.fromkeys(("TSNE", "MDS", "SpectralEmbedding"), f"{_FITTED}; use PCA"),
    **dict.fromkeys(("Birch", "AffinityPropagation", "MeanShift", "BisectingKMeans"), "use KMeans"),
    "EllipticEnvelope": "use IsolationForest or OneClassSVM",
    "IterativeImputer": "use SimpleImputer or KNNImputer",
    "MissingIndicator": "use SimpleImputer, and a column of your own that says what was missing",
    "Nystroem": "use SVC or SVR with the same kernel",
    "RBFSampler": "use SVC or SVR with an RBF kernel",
    "DictVectorizer": "make a table of the dictionaries, and use a ColumnTransformer with OneHotEncoder",
    "FeatureHasher": "use OneHotEncoder",
    "HashingVectorizer": "use TfidfVectorizer or CountVectorizer",
    "IsotonicRegression": "it takes no table; use HistGradientBoostingRegressor with monotonic_cst",
    "SelfTrainingClassifier": "send its estimator_",
    "TransformedTargetRegressor": "send its regressor_, and turn its answers back where you use them",
    "FixedThresholdClassifier": "send its estimator_, and compare with the threshold where you use it",
    "TunedThresholdClassifierCV": "send its estimator_, and compare with the threshold where you use it",
    "DummyClassifier": "it answers without looking at the row",
    "DummyRegressor": "it answers without looking at the row",
}


def check(model: Any) -> None:
    """Raises ConversionFailed, naming the step and what to do, for what is known to end badly."""
    _check_fitted(model)
    for step in everything(model):
        for what, remedy in _problems(step):
            raise cannot(what, remedy)
    _check_answers(model)


def _check_fitted(model: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        raise cannot(f"{type(model).__name__}, which isn't fitted,", "fit it, and save it again") from None


def in_short(error: Exception) -> ConversionFailed:
    """What skl2onnx says, up to its first sentence's end: what follows is for its developers."""
    said = _END.split(str(error), maxsplit=1)[0][:_MOST_WORDS]
    text = f"skl2onnx can't write the model as ONNX ({type(error).__name__}: {shown(said)}): {_CHANGE}"
    return ConversionFailed(text, reason=said, remedy=_CHANGE)


def _problems(step: Any) -> Iterator[tuple[str, str]]:
    from skl2onnx._supported_operators import sklearn_operator_name_map

    kind = type(step).__name__
    ours = type(step).__module__.split(".")[0] != "sklearn"
    if kind in _INSTEAD:
        yield kind, _INSTEAD[kind]
    elif (
        not ours
        and kind not in ("Pipeline", "ColumnTransformer", "FeatureUnion")
        and (type(step) not in sklearn_operator_name_map)
    ):
        yield kind, f"no converter knows it; {SUPPORTED}"
    if kind == "GaussianProcessClassifier" and step.n_classes_ > 2:
        yield "GaussianProcessClassifier of more than two classes", "use SVC(probability=True)"
    if kind == "SimpleImputer" and step.add_indicator:
        yield "SimpleImputer with add_indicator=True", "leave the indicator out"
    if kind == "OrdinalEncoder" and any(one.dtype.kind == "O" and any(map(is_none, one)) for one in step.categories_):
        remedy = "fill them in before it, with SimpleImputer(strategy='constant', fill_value='none')"
        yield "OrdinalEncoder with missing texts among its categories", remedy
    if kind == "StackingClassifier" and len(step.classes_) == 2 and {*step.stack_method_} != {"predict_proba"}:
        yield (
            "StackingClassifier of two classes over estimators without predict_proba",
            "give it estimators that have it, such as LogisticRegression or SVC(probability=True)",
        )
    if kind == "CalibratedClassifierCV" and any(not _calibrates(one.estimator) for one in step.calibrated_classifiers_):
        yield (
            "CalibratedClassifierCV over a pipeline whose last step has no predict_proba",
            "put the other steps before it, as make_pipeline(StandardScaler(), CalibratedClassifierCV(LinearSVC()))",
        )
    if kind in ("OneVsRestClassifier", "OutputCodeClassifier") and not hasattr(step, "predict_proba"):
        remedy = "LinearSVC, SGDClassifier and the like tell several classes apart themselves: train one of them alone"
        yield f"{kind} over estimators without predict_proba", remedy


def _calibrates(estimator: Any) -> bool:
    return not hasattr(estimator, "steps") or hasattr(estimator, "predict_proba")


def _check_answers(model: Any) -> None:
    """One answer to a row."""
    last = [*steps(model)][-1]
    kind = str(getattr(getattr(last, "_label_binarizer", None), "y_type_", ""))
    several = isinstance(getattr(model, "classes_", None), list)
    if several or kind.startswith("multilabel") or getattr(last, "multilabel_", False):
        raise cannot("a classifier of several answers", "send a model for each of them")
