"""A scikit-learn model, written as ONNX by skl2onnx; what skl2onnx gets wrong is mended or refused."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import ImportRefused
from aimass.formats.converter import Converted, Wanted
from aimass.formats.converters._ensemble_graph import ML_OPSET, OPSET
from aimass.formats.converters._sklearn_converters import own_converters, register
from aimass.formats.converters._sklearn_inputs import Inputs, everything, inputs_of
from aimass.formats.converters._sklearn_outputs import margins, name_inputs, name_outputs
from aimass.formats.converters._sklearn_refused import check, in_short
from aimass.formats.converters._sklearn_texts import repair_logarithms, text_options

Array = np.ndarray[Any, Any]


class SklearnModel:
    """An estimator or a pipeline. `run` calls it with doubles."""

    def __init__(self, model: Any, saved_by: str = "") -> None:
        self._model = model
        self._saved_by = saved_by
        self._inputs: Inputs | None = None

    @property
    def wanted(self) -> Sequence[Wanted]:
        return self._known_inputs().wanted

    def convert(self, folder: Path) -> Converted:
        """Raises ConversionFailed for what skl2onnx can't write, or would write wrongly."""
        check(self._model)
        self._settle()
        labels = tuple(map(str, self._labels))
        graph = self._written()
        repair_logarithms(graph, self._model)
        name_inputs(graph, [one.name for one in self.wanted])
        name_outputs(graph, self._model, self._kind)
        (folder / "model.onnx").write_bytes(graph.SerializeToString())
        return Converted(
            "model.onnx", ("model.onnx",), self._framework(), labels, self._describes(), tuple(self._notes())
        )

    def _written(self) -> Any:
        from skl2onnx import convert_sklearn

        options = {
            "initial_types": [(one.name, _typed(one)) for one in self.wanted],
            "target_opset": {"": self._opset, "ai.onnx.ml": ML_OPSET},
            "options": self._options(),
            "custom_conversion_functions": own_converters(),
        }
        logging.getLogger("skl2onnx").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return convert_sklearn(self._model, name="model", **options)  # else a random name
            except (ImportRefused, MemoryError):
                raise
            except Exception as error:
                raise in_short(error) from None

    @property
    def _opset(self) -> int:
        return 18 if any(type(step).__name__ == "KNNImputer" for step in everything(self._model)) else OPSET

    def run(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        rows = self._known_inputs().called_with(inputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {name: np.asarray(value) for name, value in self._answers(rows).items()}

    def _describes(self) -> dict[str, Any]:
        output = {"output": {"output": "scores", "activation": "none"}} if margins(self._model, self._kind) else {}
        return {**self._known_inputs().describes, **output}

    def _answers(self, rows: Any) -> Mapping[str, Any]:
        model = self._model
        if not hasattr(model, "predict"):
            moved = model.transform(rows)
            return {"variable": moved.toarray() if hasattr(moved, "toarray") else moved}
        answer = np.asarray(model.predict(rows))
        if self._kind == "regressor":
            return {"variable": answer.reshape(len(answer), -1)}
        if self._kind == "outlier_detector":
            return {"label": answer, "scores": model.decision_function(rows)}
        if self._kind == "classifier":
            return {"label": answer, **self._scores(rows)}
        if hasattr(model, "predict_proba"):
            return {"label": answer, "probabilities": model.predict_proba(rows)}
        return {"label": answer, **({"scores": model.transform(rows)} if hasattr(model, "transform") else {})}

    def _scores(self, rows: Any) -> Mapping[str, Any]:
        if hasattr(self._model, "predict_proba"):
            return {"probabilities": self._model.predict_proba(rows)}
        if not hasattr(self._model, "decision_function"):
            return {}
        scores = np.asarray(self._model.decision_function(rows))
        return {"scores": np.stack([-scores, scores], 1) if scores.ndim == 1 else scores}

    @property
    def _kind(self) -> str:
        from sklearn.utils import get_tags

        return str(get_tags(self._model).estimator_type)

    @property
    def _labels(self) -> Sequence[Any]:
        labels = getattr(self._model, "classes_", ()) if self._kind == "classifier" else ()
        return list(labels)

    def _settle(self) -> None:
        """Sets what changes no prediction as skl2onnx wants it."""
        register(self._model)
        for step in everything(self._model):
            if type(step).__name__ == "VotingClassifier":
                step.flatten_transform = False
            if type(step).__name__ == "KBinsDiscretizer" and step.encode == "onehot":
                step.encode = "onehot-dense"

    def _options(self) -> dict[Any, Any]:
        options = text_options(self._model)
        if self._kind == "classifier":
            options[id(self._model)] = {"zipmap": False}
        return options

    def _known_inputs(self) -> Inputs:
        if self._inputs is None:
            self._inputs = inputs_of(self._model)
        return self._inputs

    def _framework(self) -> str:
        import sklearn

        return f"scikit-learn {self._saved_by or sklearn.__version__}"

    def _notes(self) -> Iterator[str]:
        import sklearn

        if self._saved_by:
            yield f"saved by scikit-learn {self._saved_by} and opened by {sklearn.__version__}"
        if any(type(step).__name__ == "IsolationForest" for step in everything(self._model)):
            yield "missing values (NaN) are scored otherwise than by scikit-learn: fill them in before"


def _typed(one: Wanted) -> Any:
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    kinds = {"float32": FloatTensorType, "int64": Int64TensorType, "str": StringTensorType}
    return kinds[one.dtype]([None if size < 0 else size for size in one.shape])
