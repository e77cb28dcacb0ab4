"""What a model's own library answers: the saved file opened and asked as its documentation says, with none of the
converters' code. Runs in a converter's environment.

Each function takes the folder, the model and its rows by input, and returns labels, numbers, scores or vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.converters.models.made import Made

Rows = Mapping[str, np.ndarray]
_BATCH = 256


def original_answers(folder: Path, made: Made) -> np.ndarray:
    """Of all rows of the model."""
    return np.asarray(_LIBRARIES[made.format](folder, made, made.rows))


def _only(rows: Rows) -> np.ndarray:
    (array,) = rows.values()
    return array


def _batches(rows: Rows) -> Iterator[Rows]:
    count = len(next(iter(rows.values())))
    for first in range(0, count, _BATCH):
        yield {name: array[first : first + _BATCH] for name, array in rows.items()}


def _xgboost(folder: Path, made: Made, rows: Rows) -> np.ndarray:
    import json

    import xgboost

    model = xgboost.Booster(model_file=folder / made.files[0])
    types = model.feature_types
    matrix = xgboost.DMatrix(
        _only(rows), nthread=1, feature_types=types, feature_names=model.feature_names, enable_categorical=bool(types)
    )
    answers = model.predict(matrix)
    objective = json.loads(model.save_config())["learner"]["objective"]["name"]
    if objective == "multi:softprob":
        return answers.argmax(1)
    return answers > 0.5 if objective == "binary:logistic" else answers


def _lightgbm(folder: Path, made: Made, rows: Rows) -> np.ndarray:
    import lightgbm

    model = lightgbm.Booster(model_file=folder / made.files[0])
    answers = np.asarray(model.predict(_only(rows).astype(np.float64)))
    if answers.ndim == 2:
        return answers.argmax(1)
    return answers > 0.5 if "objective=binary" in model.model_to_string() else answers


def _catboost(folder: Path, made: Made, rows: Rows) -> np.ndarray:
    import catboost

    model = catboost.CatBoost().load_model(str(folder / made.files[0]))
    loss = str(model.get_all_params().get("loss_function", ""))
    kind = "Class" if loss.startswith(("Logloss", "MultiClass")) else "RawFormulaVal"
    return np.asarray(model.predict(_only(rows), prediction_type=kind)).ravel()


def _sklearn(folder: Path, made: Made, rows: Rows) -> np.ndarray:
    import joblib

    return _predicted(joblib.load(folder / made.files[0]), rows)


def _skops(folder: Path, made: Made, rows: Rows) -> np.ndarray:
    from skops import io

    path = folder / made.files[0]
    return _predicted(io.load(path, trusted=io.get_untrusted_types(file=path)), rows)


def _predicted(model: Any, rows: Rows) -> np.ndarray:
    import pandas

    if len(rows) > 1:
        return model.predict(pandas.DataFrame({name: array.ravel() for name, array in rows.items()}))
    array = _only(rows)
    if array.dtype != object:
        return model.predict(array.astype(np.float64))  # as it was trained
    return model.predict(array.ravel() if array.shape[1] == 1 else array)


def _pt2(folder: Path, made: Made, rows: Rows) -> np.ndarray:
    import torch

    return _asked(torch.export.load(folder / made.files[0]).module(), rows)


def _torchscript(folder: Path, made: Made, rows: Rows) -> np.ndarray:
    import torch

    return _asked(torch.jit.load(folder / made.files[0]).eval(), rows)


def _asked(module: Any, rows: Rows) -> np.ndarray:
    import torch

    with torch.no_grad():
        return np.concatenate([module(*map(torch.from_numpy, some.values())).numpy() for some in _batches(rows)])


def _huggingface(folder: Path, made: Made, rows: Rows) -> np.ndarray:
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder)
    kind = getattr(transformers, config.architectures[0])
    weights = folder / made.files[1]
    if weights.suffix == ".pt":
        model = kind(config)
        model.load_state_dict(_of_a_checkpoint(weights))
    else:
        model = kind.from_pretrained(folder)
    model.eval()
    with torch.no_grad():
        return np.concatenate([_logits_or_embeddings(model, some) for some in _batches(rows)])


def _logits_or_embeddings(model: Any, rows: Rows) -> np.ndarray:
    """Without logits the mean of all tokens, of length 1, as all-MiniLM's model card has it."""
    import torch

    answer = model(**{name: torch.from_numpy(array) for name, array in rows.items()})
    if "logits" in answer:
        return answer.logits.numpy()
    mask = torch.from_numpy(rows["attention_mask"])[..., None]
    mean = (answer.last_hidden_state * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(mean).numpy()


def _of_a_checkpoint(path: Path) -> dict[str, Any]:
    """A training loop's weights, of a module that was wrapped for several GPUs."""
    import torch

    state = torch.load(path, weights_only=True)["model_state_dict"]
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def _keras(folder: Path, made: Made, rows: Rows) -> np.ndarray:
    import keras

    return keras.models.load_model(folder / made.files[0], compile=False).predict(_only(rows), verbose=0)


def _savedmodel(folder: Path, made: Made, rows: Rows) -> np.ndarray:
    import tensorflow

    model = tensorflow.saved_model.load(str(folder))  # held: its functions hold its variables only weakly
    (answer,) = model.signatures["serving_default"](
        **{name: tensorflow.constant(array) for name, array in rows.items()}
    ).values()
    return answer.numpy()


def _tflite(folder: Path, made: Made, rows: Rows) -> np.ndarray:
    import tensorflow

    model = tensorflow.lite.Interpreter(str(folder / made.files[0]))
    array = _only(rows)
    (into,) = model.get_input_details()
    model.resize_tensor_input(into["index"], array.shape)
    model.allocate_tensors()
    model.set_tensor(into["index"], array)
    model.invoke()
    return model.get_tensor(model.get_output_details()[0]["index"])


_LIBRARIES: dict[str, Callable[[Path, Made, Rows], np.ndarray]] = {
    "xgboost-json": _xgboost,
    "xgboost-ubj": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
    "sklearn": _sklearn,
    "skops": _skops,
    "pt2": _pt2,
    "torchscript": _torchscript,
    "huggingface": _huggingface,
    "huggingface-pickled": _huggingface,
    "keras": _keras,
    "keras-hdf5": _keras,
    "savedmodel": _savedmodel,
    "tflite": _tflite,
}
