"""Models in every way that TensorFlow saves them, by name, and one from a package (requirements/models.in)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.converters.models.keras_layers import (
    attention,
    cut_to_words,
    intervals,
    of_own_class,
    picture_layers,
    recurrent,
    shared_output,
    standardised,
    step_layers,
    two_by_two,
    varied,
    without_names,
    words,
)
from tests.converters.models.keras_refused import outside_weights, with_code, with_download, with_own_class
from tests.converters.models.made import Made
from tests.converters.models.tensorflow_digits import digits, digits_savedmodel, digits_tflite, old_digits
from tests.converters.models.tensorflow_functions import (
    functions,
    hidden_graph,
    named_classes,
    of_tensorflow_1,
    without_variables,
)
from tests.converters.models.tensorflow_saved import Make, files_of
from tests.converters.models.tflite import (
    gelu_tflite,
    labelled_tflite,
    recurrent_tflite,
    sparse_tflite,
    tflite_of,
    tflite_under_another_name,
)


def packaged(folder: Path, saved: str) -> Made:
    """basic_pitch, a model of notes in sound that TensorFlow 2.4 saved, as a SavedModel or as TensorFlow Lite."""
    packages = next(Path(sys.prefix).parent.glob("models/basic_pitch/saved_models/icassp_2022"))
    if saved == "tflite":
        shutil.copy(packages / "nmp.tflite", folder / "model.tflite")
        return Made("tflite", ("model.tflite",))
    shutil.copytree(packages / "nmp", folder, dirs_exist_ok=True)
    return Made("savedmodel", files_of(folder))


MODELS: dict[str, Make] = {
    make.__name__: make
    for make in (
        *(digits, digits_savedmodel, digits_tflite, old_digits, two_by_two, without_names, standardised, recurrent),
        *(words, attention, intervals, varied, cut_to_words, of_own_class),
        *(named_classes, picture_layers, step_layers),
        *(shared_output, with_code, with_own_class, with_download, outside_weights, functions, without_variables),
        *(
            hidden_graph,
            tflite_under_another_name,
            of_tensorflow_1,
            tflite_of,
            recurrent_tflite,
            gelu_tflite,
            labelled_tflite,
            sparse_tflite,
            packaged,
        ),
    )
}
