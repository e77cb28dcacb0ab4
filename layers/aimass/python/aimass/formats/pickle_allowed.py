"""What a pickle of a model may name. Everything else in it is refused, whatever a scanner thinks of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True)
class Allowed:
    """`names` are globals as `module:name`, `patterns` match such a text wholly. `persistent` allows references to
    data beside the pickle, as PyTorch's tensors are.
    """

    names: frozenset[str]
    patterns: tuple[re.Pattern[str], ...] = ()
    persistent: bool = False

    def allows(self, module: str, name: str) -> bool:
        """A name with a dot would be walked attribute by attribute, out of any list: there is none."""
        if not _NAME.fullmatch(name):
            return False
        text = f"{module}:{name}"
        return text in self.names or any(pattern.fullmatch(text) for pattern in self.patterns)


def _of(module: str, names: str) -> frozenset[str]:
    return frozenset(f"{module}:{name}" for name in names.split())


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII)


# Containers and numbers; `copyreg` rebuilds an object without calling its class.
_PYTHON = (
    _of("builtins", "set frozenset dict list tuple int float bool str bytes bytearray complex slice range object")
    | _of("collections", "OrderedDict defaultdict Counter deque")
    | _of("copyreg", "_reconstructor")
    | _of("_codecs", "encode")
)
_NUMPY_PATTERNS = (
    _pattern(
        r"numpy:(dtype|ndarray|matrix|bool_?|(u?int|float|complex)\d+|str_|bytes_|object_|datetime64|timedelta64)"
    ),
    _pattern(r"numpy\._?core\.multiarray:(_reconstruct|scalar)"),
    _pattern(r"numpy\._?core\.numeric:_frombuffer"),
    _pattern(r"numpy\.ma(\.core)?:(MaskedArray|_mareconstruct)"),
    _pattern(r"numpy\.dtypes:\w+DType"),
    _pattern(r"numpy\.random\._pickle:__(randomstate|bit_generator|generator)_ctor"),
    _pattern(r"numpy\.random\._\w+:(MT19937|PCG64|PCG64DXSM|Philox|SFC64)"),
    _pattern(r"numpy\.random\.bit_generator:(SeedSequence|__pyx_unpickle_SeedSequence)"),
    _pattern(r"numpy\.random\.mtrand:RandomState"),
)
# Where scikit-learn's estimators and what they are made of live: not its data sets, its tests, its tools.
_SKLEARN = (
    "_loss|base|calibration|cluster|compose|covariance|cross_decomposition|decomposition|discriminant_analysis|dummy|"
    "ensemble|feature_extraction|feature_selection|frozen|gaussian_process|impute|isotonic|kernel_approximation|"
    "kernel_ridge|linear_model|manifold|metrics|mixture|model_selection|multiclass|multioutput|naive_bayes|neighbors|"
    "neural_network|pipeline|preprocessing|random_projection|semi_supervised|svm|tree"
)
_SKLEARN_PATTERNS = (
    _pattern(rf"sklearn\.({_SKLEARN})(\.(?!tests)\w+)*:_?[A-Z]\w*"),
    _pattern(rf"sklearn\.({_SKLEARN})(\.(?!tests)\w+)*:(__pyx_unpickle_\w+|newObj)"),
    _pattern(r"sklearn\.feature_selection\.\w+:(f_classif|f_regression|chi2|r_regression|mutual_info_\w+)"),
    _pattern(r"sklearn\.compose\._column_transformer:make_column_selector"),
    _pattern(r"sklearn\.utils\._bunch:Bunch"),
    _pattern(r"sklearn\.utils\.deprecation:_DeprecatedScorer"),
    _pattern(r"scipy\.sparse(\._?\w+)?:(bsr|coo|csc|csr|dia|dok|lil)_(matrix|array)"),
    _pattern(r"scipy\.interpolate(\._?\w+)?:interp1d"),
)
_BOOSTERS = (
    _pattern(r"xgboost\.sklearn:XGB\w+"),
    _pattern(r"xgboost\.core:Booster"),
    _pattern(r"lightgbm\.sklearn:LGBM\w+"),
    _pattern(r"lightgbm\.basic:Booster"),
    _pattern(r"catboost\.core:CatBoost\w*"),
)
TREES = Allowed(
    names=_PYTHON | _of("joblib.numpy_pickle", "NumpyArrayWrapper"),
    patterns=_NUMPY_PATTERNS + _SKLEARN_PATTERNS + _BOOSTERS,
)
TORCH = Allowed(
    names=_PYTHON
    | _of("torch._utils", "_rebuild_tensor _rebuild_tensor_v2 _rebuild_parameter _rebuild_qtensor")
    | _of("torch", "Size device dtype Tensor"),
    patterns=(
        *_NUMPY_PATTERNS,
        _pattern(r"torch:\w+Storage"),
        _pattern(r"torch:(b?float|complex|u?int|q?int|quint)\d+(_e\w+)?|torch:(bool|half|float|double|long|short)"),
        _pattern(r"torch\.storage:(TypedStorage|UntypedStorage)"),
        _pattern(r"torch\.nn\.parameter:(Parameter|Buffer)"),
    ),
    persistent=True,
)

#: By the environment that the file would be opened in.
ALLOWED: Mapping[str, Allowed] = {"trees": TREES, "torch": TORCH}
