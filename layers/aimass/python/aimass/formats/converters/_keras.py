"""A Keras model, traced as one function of its named inputs."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.domain.errors import ConversionFailed
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters import _keras_config
from aimass.formats.converters import _tensorflow as tensorflow
from aimass.formats.converters._savedmodel import SavedModel
from aimass.formats.converters._savedmodel_message import DEFAULT
from aimass.formats.member import shown

if TYPE_CHECKING:
    import numpy as np

_NO_LETTER = re.compile(r"\W")
_OWN_CLASS = re.compile(r"(Could not locate class|Unknown layer:) '(?P<name>[^']+)'")
_EXPORT = "write model.export('folder') where it was made, and send the SavedModel in that folder"


def open_keras(folder: Path, candidate: Candidate) -> KerasModel:
    """Raises ConversionFailed for a model that holds code or classes of its own, before Keras sees it."""
    suffix = ".keras" if candidate.format == "keras" else ".h5"
    return KerasModel(folder / candidate.main, _keras_config.checked(folder / candidate.main, candidate.format), suffix)


class KerasModel:
    """An Original."""

    def __init__(self, path: Path, framework: str, suffix: str) -> None:
        self._framework = framework
        self.wanted: Sequence[Wanted] = ()
        with tempfile.TemporaryDirectory() as folder:
            if path.suffix != suffix:  # Keras goes by the ending
                path = Path(shutil.copyfile(path, Path(folder) / f"model{suffix}"))
            self._model = _loaded(path)
        self._inputs = _inputs(self._model)
        self._function = self._traced()

    def convert(self, folder: Path) -> Converted:
        with tempfile.TemporaryDirectory() as saved:
            self._archive.write_out(saved, verbose=False)
            original = SavedModel(Path(saved), self._framework, [*self._inputs, *self._outputs])
            converted = original.convert(folder)
        self.wanted = original.wanted
        return converted

    def run(self, inputs: Mapping[str, np.ndarray[Any, Any]]) -> Mapping[str, Any]:
        import tensorflow as tf

        answers = self._function(*(tf.constant(inputs[name], one.dtype) for name, one in self._inputs.items()))
        return {name: tensorflow.array(answer.numpy()) for name, answer in answers.items()}

    def _traced(self) -> Any:
        import keras
        import tensorflow as tf

        def answer(*values: Any) -> dict[str, Any]:
            parts = _parts(self._model(_packed(self._model, values), training=False), self._model)
            self._outputs = list(tensorflow.named(parts, self._inputs))
            return dict(zip(self._outputs, parts.values(), strict=True))

        specs = [tf.TensorSpec(one.shape, one.dtype, name) for name, one in self._inputs.items()]
        self._archive = keras.export.ExportArchive()
        self._archive.track(self._model)
        return self._archive.add_endpoint(DEFAULT, answer, specs)


def _loaded(path: Path) -> Any:
    """Raises ConversionFailed for a class that Keras lacks, and for an HDF5 file that Keras 3 doesn't read."""
    import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (TypeError, ValueError) as error:
        if match := _OWN_CLASS.search(str(error)):
            name = shown(match["name"])
            text = f"it holds {name}, a class that Keras does not have; {_EXPORT}"
            raise ConversionFailed(text, layer=name) from None
        if path.suffix != ".h5":
            raise
        said = shown(str(error).strip().splitlines()[0]) if str(error).strip() else type(error).__name__
        text = f"Keras {keras.__version__} can't read the HDF5 file ({said}); save it as model.keras"
        raise ConversionFailed(f"{text}, or {_EXPORT}", reason=said) from None


def _inputs(model: Any) -> dict[str, Any]:
    """Its inputs by name, in its own order. Raises ConversionFailed for a model without any that are known."""
    there = getattr(model, "inputs", None)
    if not there:
        raise ConversionFailed(f"the shapes of its inputs are not in the file; {_EXPORT}")
    # TensorFlow takes the names of inputs for those of a function's parameters.
    names = (_NO_LETTER.sub("_", one.name.split(":")[0]) for one in there)
    return dict(zip(tensorflow.named_inputs(names), there, strict=True))


def _packed(model: Any, values: Sequence[Any]) -> Any:
    """The inputs in the structure that the model takes them in: one, a list, a dictionary."""
    import keras

    structure = getattr(model, "_inputs_struct", None)
    if structure is None:
        return values[0] if len(values) == 1 else list(values)
    return keras.tree.pack_sequence_as(structure, list(values))


def _parts(answer: Any, model: Any) -> dict[str, Any]:
    """Each output by the name that its model has for it: its key, else the layer that it comes from."""
    import keras

    flat = keras.tree.flatten_with_path(answer)
    names = ["_".join(map(str, path)) for path, _ in flat] if isinstance(answer, Mapping) else _layers(model)
    if len(names) != len(flat):
        names = [f"output_{index}" for index in range(len(flat))]
    return dict(zip(tensorflow.named(names), (part for _, part in flat), strict=True))


def _layers(model: Any) -> list[str]:
    """The layers that answer, where that is known."""
    import keras

    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name]
    return list(getattr(model, "output_names", None) or ())
